//! The command line as its users run it: the program itself, with a server beside it
//! and without.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use azukari::{
    domain::{
        erasure::Ground,
        plain::Plain,
        receipt::{Counts, Receipt, ReceiptId},
        time::UnixMs,
    },
    line::signature,
    store::receipt::SignedReceipt,
};
use serde_json::{Value, json};

/// A data folder of its own, and a copy of the shipped configuration.
struct Place {
    folder: tempfile::TempDir,
    listen: String,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            let _ = std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../config")), &folder.path().join("config"));
        Self { folder, listen: "127.0.0.1:9".to_owned() }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_azukari"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("AZUKARI_LISTEN", &self.listen)
            .env("AZUKARI_DATA_DIR", "data")
            .env("AZUKARI_CONFIG_DIR", "config");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that is to succeed; what it prints.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out
    }

    /// Runs a command that is to fail; its exit code and everything that it prints.
    fn failed(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    }

    fn serve(&mut self) -> Server {
        let mut child = self.command(&["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).find(|line| line.contains("Azukari is ready"));
        self.listen = ready.unwrap().rsplit("http://").next().unwrap().trim_end_matches('/').to_owned();
        Server(child)
    }

    /// Sends a text to the server as LINE does.
    fn hook(&self, user: &str, message: &str, words: &str) {
        let secrets: toml::Table = std::fs::read_to_string(self.data("secrets.toml")).unwrap().parse().unwrap();
        let demo = &secrets["channel"]["demo"];
        let now = azukari::host::clock::Clock::now(&azukari::host::clock::SystemClock);
        let body = json!({"destination": demo["bot_user_id"].as_str(), "events": [{
            "type": "message", "mode": "active", "timestamp": now, "webhookEventId": format!("E{message}"),
            "deliveryContext": {"isRedelivery": false}, "source": {"type": "user", "userId": user},
            "message": {"id": message, "type": "text", "text": words}
        }]})
        .to_string();
        let secret = Plain::new(demo["channel_secret"].as_str().unwrap().to_owned());
        let signature = signature::sign(&secret, body.as_bytes());
        let mut stream = TcpStream::connect(&self.listen).unwrap();
        let head = format!(
            "POST /webhook/demo HTTP/1.1\r\nhost: {}\r\nx-line-signature: {signature}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.listen,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn only_person(&self) -> String {
        let listed: Value = serde_json::from_str(&self.said(&["list", "--json"])).unwrap();
        listed["arrivals"][0]["person"].as_str().unwrap().to_owned()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn listing_opening_and_checking_with_a_server_and_without() {
    let mut place = Place::new();
    let server = place.serve();
    place.hook("U0123456789abcdef0123456789abcdef", "101", "予約は\u{1b}[2J土曜で");
    let listed = place.said(&["list"]);
    assert!(listed.contains("message") && !listed.contains("予約"), "{listed}");
    let person = place.only_person();
    let open = ["open", "--person", &person, "--fields", "text", "--purpose", "chat", "--reason", "受付1021の確認"];
    let opened = place.said(&open);
    assert!(opened.contains("予約は�[2J土曜で"), "the message is shown and does not command the terminal: {opened}");
    assert!(!opened.contains("line_user_id"), "{opened}");
    drop(server);
    // The same without a server: the command opens the data itself.
    assert_eq!(place.said(&open), opened);
    let by_user = ["open", "--user-id", "-", "--fields", "*", "--reason", "check", "--json"];
    let mut child = place.command(&by_user).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("U0123456789abcdef0123456789abcdef\n".as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(answer["people"][0]["records"].as_array().unwrap().len(), 2, "contact and message");
    let shown = place.said(&["audit", "show"]);
    for part in ["local", "開封  1人", "目的: chat", "項目: text", "理由: 受付1021の確認", "すべての目的", "一覧"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert_eq!(place.failed(&["audit", "verify"]).0, 3, "nothing proves the end");
    place.said(&["audit", "verify", "--heads", "data/audit-heads.jsonl"]);
}

#[test]
fn an_exported_ledger_is_checked_without_the_system() {
    let mut place = Place::new();
    drop(place.serve());
    for _ in 0..3 {
        place.said(&["list"]);
    }
    let exported = place.said(&["audit", "export"]);
    let elsewhere = Place::new();
    let path = elsewhere.folder.path();
    std::fs::write(path.join("ledger.jsonl"), &exported).unwrap();
    for (name, target) in [("evidence-public-key.pem", "key.pem"), ("audit-heads.jsonl", "heads.jsonl")] {
        std::fs::copy(place.data(name), path.join(target)).unwrap();
    }
    let verify = ["audit", "verify", "--file", "ledger.jsonl", "--evidence", "key.pem"];
    let with_heads: Vec<&str> = verify.iter().copied().chain(["--heads", "heads.jsonl"]).collect();
    assert!(elsewhere.said(&with_heads).contains("揃っています"));
    let (code, said) = elsewhere.failed(&verify);
    assert!(code == 3 && said.contains("証明できません"), "{code}: {said}");
    let tampered = exported.replacen("\"operator\":{\"S\":\"local\"}", "\"operator\":{\"S\":\"nobody\"}", 1);
    std::fs::write(path.join("ledger.jsonl"), tampered).unwrap();
    let (code, said) = elsewhere.failed(&with_heads);
    assert!(code == 1 && said.contains("最初の不正な記録") && said.contains("#1"), "{code}: {said}");
    std::fs::write(path.join("ledger.jsonl"), "not json\n").unwrap();
    let (code, said) = elsewhere.failed(&verify);
    assert!(code == 2 && said.contains("1行目"), "not checked is not the same as wrong: {said}");
    let (code, said) = elsewhere.failed(&["audit", "verify", "--file", "ledger.jsonl", "--evidence", "none.pem"]);
    assert!(code == 2 && said.contains("none.pem"), "{said}");
    let (code, said) = elsewhere.failed(&["audit", "verify", "--from", "2026-11-30", "--to", "2026-11-01"]);
    assert!(code == 2 && said.contains("--from"), "{said}");
}

/// Signs a receipt of an erasure, and writes the public half of the key as PEM.
fn signed_receipt(key_file: &Path) -> String {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    std::fs::write(key_file, pem::encode(&pem::Pem::new("PUBLIC KEY", public.as_ref()))).unwrap();
    let at = |seconds: i64| UnixMs::new(1_795_230_000_000 + seconds * 1_000);
    let id = ReceiptId::parse("0123456789abcdef0123456789abcdef").unwrap();
    let receipt = Receipt::restricted(id, Ground::Asked, at(0), at(60))
        .unreachable(at(180), Counts::from([("message".to_owned(), 12), ("profile".to_owned(), 1)]))
        .erased(at(240));
    let signature = pair.sign(&SystemRandom::new(), &receipt.message()).unwrap().as_ref().to_vec();
    SignedReceipt { receipt, signature }.to_file()
}

#[test]
fn a_receipt_is_checked_without_the_system() {
    let place = Place::new();
    let path = |name: &str| place.folder.path().join(name);
    let receipt = signed_receipt(&path("key.pem"));
    std::fs::write(path("receipt.json"), &receipt).unwrap();
    let verify = ["receipt", "verify", "receipt.json", "--evidence", "key.pem"];
    let said = place.said(&verify);
    for part in [
        "○ 本物です",
        "Genuine",
        "0123456789abcdef0123456789abcdef",
        "消去済み / erased",
        "2026-11-21 12:00  お申し出",
        "2026-11-21 12:01  開封の停止",
        "2026-11-21 12:03  鍵の破棄",
        "2026-11-21 12:04  消去の完了",
        "2026-11-28 12:03  ここから先はバックアップからも復元できない",
        "トークのメッセージ / chat messages: 12",
        "LINEのプロフィール / LINE profile: 1",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }

    let mut command = place.command(&["receipt", "verify", "-", "--evidence", "key.pem"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(receipt.as_bytes()).unwrap();
    let piped = child.wait_with_output().unwrap();
    assert!(piped.status.success());
    assert_eq!(text(&piped.stdout), said);

    let changed = receipt.replace("\"message\":12", "\"message\":11");
    assert_ne!(changed, receipt);
    std::fs::write(path("receipt.json"), changed).unwrap();
    let (code, said) = place.failed(&verify);
    assert!(code == 1 && said.contains("本物ではありません") && said.contains("署名が合いません"), "{code}: {said}");
    for bytes in [receipt.trim_end().as_bytes(), &b""[..], &b"\xff{}"[..]] {
        std::fs::write(path("receipt.json"), bytes).unwrap();
        let (code, said) = place.failed(&verify);
        assert!(code == 1 && said.contains("お渡ししたままの控えではありません"), "{code}: {said}");
    }

    std::fs::write(path("receipt.json"), &receipt).unwrap();
    signed_receipt(&path("other.pem"));
    let (code, said) = place.failed(&["receipt", "verify", "receipt.json", "--evidence", "other.pem"]);
    assert!(code == 1 && said.contains("署名が合いません"), "{code}: {said}");

    // That it could not be checked is something else.
    let (code, said) = place.failed(&["receipt", "verify", "none.json", "--evidence", "key.pem"]);
    assert!(code == 2 && said.contains("none.json"), "{code}: {said}");
    let (code, said) = place.failed(&["receipt", "verify", "receipt.json", "--evidence", "receipt.json"]);
    assert!(code == 2 && said.contains("P-256"), "{code}: {said}");
    let (code, said) = place.failed(&["receipt", "verify", "receipt.json"]);
    assert!(code == 2 && said.contains("evidence-public-key.pem"), "{code}: {said}");
    // Without a name for it, the key of this machine.
    std::fs::create_dir_all(place.data("")).unwrap();
    std::fs::copy(path("key.pem"), place.data("evidence-public-key.pem")).unwrap();
    assert!(place.said(&["receipt", "verify", "receipt.json"]).contains("本物です"));
}

#[test]
fn an_operator_is_added_and_opens_for_their_purposes_alone() {
    let mut place = Place::new();
    let said =
        place.said(&["operator", "add", "desk", "--role", "staff", "--purposes", "chat", "--people-per-hour", "2"]);
    let block = &said[said.find("[[operator]]").unwrap()..];
    let path = place.folder.path().join("config/operators.toml");
    let configured = std::fs::read_to_string(&path).unwrap() + "\n" + block;
    std::fs::write(&path, configured).unwrap();
    assert!(place.said(&["check-config"]).contains("1"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.data("operators/desk.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let _server = place.serve();
    place.hook("U0123456789abcdef0123456789abcdef", "101", "こんにちは");
    let person = place.only_person();
    let open = |purpose: &str| {
        let mut arguments =
            vec!["open", "--as", "desk", "--person", &person, "--fields", "text", "--reason", "inquiry"];
        if !purpose.is_empty() {
            arguments.extend(["--purpose", purpose]);
        }
        place.run(&arguments)
    };
    assert!(text(&open("chat").stdout).contains("こんにちは"));
    for (purpose, why) in [("profile", "許可されていません"), ("", "利用目的を指定してください")]
    {
        let refused = open(purpose);
        assert!(refused.status.code() == Some(1), "{purpose}");
        assert!(text(&refused.stderr).contains(why) && text(&refused.stderr).contains("chat"), "{purpose}");
    }
    assert!(open("chat").status.success());
    assert!(text(&open("chat").stderr).contains("1時間"), "two people an hour and no more");
    assert!(text(&place.run(&["audit", "show", "--as", "desk"]).stderr).contains("許可されていません"));
    assert!(place.said(&["audit", "show"]).contains("拒否"));
}

#[test]
fn somebody_is_erased_once_it_is_meant_and_has_a_receipt() {
    let mut place = Place::new();
    let server = place.serve();
    place.hook("U0123456789abcdef0123456789abcdef", "101", "消してください");
    let person = place.only_person();
    let erase = ["erase", "--person", &person, "--reason", "request", "--note", "受付1021"];
    // Nobody is there to be asked.
    let (code, said) = place.failed(&erase);
    assert!(code == 2 && said.contains("--yes"), "{code}: {said}");
    let open = ["open", "--person", &person, "--fields", "text", "--reason", "check"];
    assert!(place.said(&open).contains("消してください"), "nothing has happened");
    let surely: Vec<&str> = erase.iter().copied().chain(["--yes"]).collect();
    let said = place.said(&surely);
    let receipt = said.split("/receipts/").nth(1).and_then(|rest| rest.get(..32)).unwrap().to_owned();
    assert!(ReceiptId::parse(&receipt).is_ok() && said.contains("消去を指示しました"), "{said}");
    let (code, refused) = place.failed(&open);
    assert!(code == 1 && refused.contains("消去の手続き中"), "{code}: {refused}");
    drop(server);
    // Asked again, by the user id and without a server.
    let user = "U0123456789abcdef0123456789abcdef";
    let by_user = ["erase", "--channel", "demo", "--user", user, "--reason", "purpose_over", "--yes", "--json"];
    let answer: Value = serde_json::from_str(&place.said(&by_user)).unwrap();
    assert_eq!(
        (&answer["erasure"]["status"], &answer["erasure"]["receipt"]),
        (&json!("under_way"), &json!(receipt)),
        "it is the same"
    );
    let (code, said) = place.failed(&["erase", "--person", &"0".repeat(32), "--reason", "request", "--yes"]);
    assert!(code == 1 && said.contains("お預かりしているものはありません"), "{code}: {said}");
    let (code, said) = place.failed(&["erase", "--person", &person, "--reason", "inquiry", "--yes"]);
    assert!(code == 1 && said.contains("purpose_over"), "{code}: {said}");
    let shown = place.said(&["audit", "show", "--json"]);
    assert!(shown.contains("order_erasure") && shown.contains("受付1021"), "{shown}");
}

#[test]
fn wrong_use_is_answered_with_what_is_wrong_and_an_example() {
    let place = Place::new();
    let cases: [(&[&str], &[&str]); 12] = [
        (&["open", "--fields", "text", "--reason", "x"], &["--person", "azukari open --person"]),
        (&["open", "--person", "a", "--user-id", "b", "--fields", "*", "--reason", "x"], &["azukari open --person"]),
        (&["erase", "--reason", "request"], &["--person", "azukari erase --person"]),
        (&["erase", "--user", "U1", "--reason", "request"], &["--channel", "azukari erase --channel"]),
        (&["list", "--since"], &["azukari list --kind message"]),
        (&["audit", "verify", "--from", "yesterday"], &["2026-11-21", "azukari audit verify"]),
        (&["operator", "add", "desk"], &["--role", "azukari operator add desk"]),
        (&["operator", "add", "Desk", "--role", "staff"], &["a-z", "--purposes", "azukari operator add desk"]),
        (&["operator", "add", "a", "--role", "auditor", "--purposes", "chat"], &["--purposes"]),
        (&["operator", "add", "a", "--role", "staff", "--purposes", "gossip"], &["gossip", "chat"]),
        (&["receipt", "verify"], &["<FILE>", "azukari receipt verify receipt.json"]),
        (&["burn"], &["azukari open"]),
    ];
    for (arguments, parts) in cases {
        let (code, said) = place.failed(arguments);
        assert!(code == 1 || code == 2, "{arguments:?}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?} says nothing of {part}: {said}");
        }
    }
    let (_, said) = place.failed(&["list"]);
    assert!(said.contains("先にazukariを起動してください"), "{said}");
    let (_, said) = place.failed(&["open", "--as", "nobody", "--person", "a", "--fields", "*", "--reason", "x"]);
    assert!(!said.is_empty());
}

#[test]
fn bad_requests_name_everything_that_is_wrong_and_repeat_nothing() {
    let mut place = Place::new();
    drop(place.serve());
    let (code, said) = place.failed(&["open", "--person", "山田太郎", "--fields", "氏名", "--reason", " "]);
    assert_eq!(code, 1);
    for part in ["32桁", "項目の名前", "理由を書いてください"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("山田"), "{said}");
    let (code, said) = place.failed(&["open", "--person", &"0".repeat(32), "--fields", "*", "--reason", "check"]);
    assert!(code == 1 && said.contains("お預かりしているものはありません"), "{said}");
    let (code, said) = place.failed(&["list", "--kind", "secret", "--since", "2020-01-01"]);
    assert!(code == 1 && said.contains("message, event, profile, submission") && said.contains("92"), "{said}");
}

/// Stands in for Lambda's Invoke API: takes one request, gives back its path and body.
fn lambda_once(answer: &'static str) -> (String, std::thread::JoinHandle<(String, String)>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let handle = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let (mut path, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
        reader.get_mut().write_all((head + answer).as_bytes()).unwrap();
        (path, text(&body))
    });
    (address, handle)
}

#[test]
fn a_stage_is_asked_by_a_private_invocation() {
    let place = Place::new();
    place.said(&["operator", "add", "desk", "--role", "staff", "--purposes", "chat"]);
    let (address, lambda) = lambda_once(r#"{"arrivals":[],"more":false}"#);
    let output = place
        .command(&["list", "--as", "desk", "--stage", "azukari-prod"])
        .env("AWS_ENDPOINT_URL", address)
        .env("AWS_REGION", "ap-northeast-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("届いたものはありません"));
    let (path, body) = lambda.join().unwrap();
    assert!(path.ends_with("/functions/azukari-prod-opener/invocations"), "{path}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let assertion = body["assertion"].as_str().unwrap();
    let payload =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, assertion.split('.').nth(1).unwrap());
    let claims: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    assert_eq!((&claims["aud"], &claims["iss"]), (&json!("azukari:azukari-prod"), &json!("desk")));
    assert_eq!(claims["request"]["act"], "list");
}

#[test]
fn a_stage_that_refuses_says_why() {
    let place = Place::new();
    place.said(&["operator", "add", "desk", "--role", "staff", "--purposes", "chat"]);
    let refusal =
        r#"{"error":{"status":429,"code":"budget","ja":["この1時間に開封できる人数を超えます。"],"en":["Too many."]}}"#;
    let (address, lambda) = lambda_once(refusal);
    let person = "0".repeat(32);
    let arguments = [
        "open",
        "--as",
        "desk",
        "--stage",
        "azukari-prod",
        "--person",
        &person,
        "--fields",
        "text",
        "--purpose",
        "chat",
        "--reason",
        "inquiry",
    ];
    let output = place
        .command(&arguments)
        .env("AWS_ENDPOINT_URL", address)
        .env("AWS_REGION", "ap-northeast-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap();
    lambda.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("1時間に開封できる人数"), "{}", text(&output.stderr));
}

#[test]
fn commands_of_a_stage_say_how_they_are_used_and_look_at_the_configuration_first() {
    let place = Place::new();
    for command in ["bootstrap", "publish", "doctor"] {
        let (code, said) = place.failed(&[command]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(&format!("azukari {command} --stage azukari-prod")), "{said}");
    }
    let (code, said) = place.failed(&["bootstrap", "--stage", "azukari-none", "--operator", "local"]);
    assert_eq!(code, 2, "{said}");
    // Nobody is called before what can be told here is told.
    std::fs::write(place.folder.path().join("config/purposes.toml"), "surplus = 1\n").unwrap();
    let (code, said) = place.failed(&["publish", "--stage", "azukari-none"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("purposes.toml"), "{said}");
}

#[test]
fn a_stage_has_a_name() {
    let place = Place::new();
    for name in ["", "a/b", "1st"] {
        for arguments in [&["doctor"][..], &["bootstrap"], &["publish"], &["list"], &["restore", "check"]] {
            let (code, said) = place.failed(&[arguments, &["--stage", name]].concat());
            assert_eq!(code, 2, "{arguments:?} {name:?}: {said}");
            assert!(said.contains("a stack's name begins with a letter"), "{said}");
        }
    }
    // The examples are those of the command, wherever it stands.
    let (code, said) = place.failed(&["--config-dir", "config", "doctor"]);
    assert!(code == 2 && said.contains("azukari doctor --stage azukari-prod --json"), "{code}: {said}");
}

#[test]
fn whoever_is_not_signed_in_or_reaches_nobody_is_told_so() {
    let place = Place::new();
    let doctor = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["doctor", "--stage", "azukari-none"]);
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_PROFILE",
            "AWS_CONFIG_FILE",
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ] {
            command.env_remove(name);
        }
        command.env("HOME", place.folder.path()).env("AWS_EC2_METADATA_DISABLED", "true");
        let output = command.env("AWS_REGION", "ap-northeast-1").envs(variables.iter().copied()).output().unwrap();
        (output.status.code().unwrap(), text(&output.stderr))
    };
    let (code, said) = doctor(&[]);
    assert!(code == 2 && said.contains("aws sts get-caller-identity"), "{code}: {said}");
    let (code, said) = doctor(&[
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ]);
    assert!(code == 2 && said.contains("AWS_REGION=ap-northeast-1"), "{code}: {said}");
}
