//! Making a stage ready: its verify keys, its first operator, the functions' secrets, the
//! sweeper's cursor, the pool of key pairs.
//!
//! Every step looks first and does what is missing. Run again, it changes nothing; broken
//! off, the next run goes on. A value that is there is kept, and none is printed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

use aws_smithy_types::Blob;
use azukari::{
    domain::{
        operator::{OperatorId, OperatorRole},
        plain::Plain,
        sweep,
    },
    host::{roles::Role, secrets as forms, settings},
    keys::{self, enrol::EnrolKey, evidence::EvidenceKey},
    line::client::LINE_API,
    store::{Outcome, StoreError, Vault, key::POOL_SHARDS, tables::Table},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    config::{self, Configuration, operators},
    installation::make_private_folder,
    operator_key::{self, NoKey, OperatorKey},
    stage::{
        Asking, Cloud, Said, StageError,
        entries::{self, ACCESS_TOKEN, BOT_USER_ID, Entry, HOLDERS},
        functions::{self, Functions},
        http::{self, Body},
        said,
        secrets::{self, Stored},
    },
};

/// How often the secrets are read again because somebody else was quicker.
const ATTEMPTS: usize = 5;

/// What is wanted.
pub struct Wanted<'a> {
    /// The configuration.
    pub config_dir: PathBuf,
    /// Where operators' keys and public keys are written.
    pub data_dir: PathBuf,
    /// The first operator.
    pub operator: Option<OperatorId>,
    /// The public key that this operator has already.
    pub operator_public_key: Option<String>,
    /// A file with the channels' values.
    pub channel_secrets: Option<PathBuf>,
    /// Entries to be replaced by what is given.
    pub replace: Vec<String>,
    /// The environment, which may give the channels' values, too.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// How much was changed.
    pub changed: usize,
    /// How much is missing still.
    pub missing: usize,
}

/// Says what is done, in both languages.
struct Told<'a> {
    say: &'a mut dyn FnMut(&str),
    done: Done,
}

impl Told<'_> {
    fn line(&mut self, ja: &str, en: &str) {
        (self.say)(&format!("{ja} / {en}"));
    }

    fn changed(&mut self, ja: &str, en: &str) {
        self.done.changed += 1;
        self.line(&format!("＋ {ja}"), en);
    }

    fn there(&mut self, ja: &str, en: &str) {
        self.line(&format!("＝ {ja}"), en);
    }

    fn missing(&mut self, ja: &str, en: &str) {
        self.done.missing += 1;
        self.line(&format!("！ {ja}"), en);
    }
}

/// Makes a stage ready.
///
/// # Errors
/// It could not go on. What was done until then stays, and the next run goes on from there.
pub async fn run(
    cloud: &Cloud,
    wanted: Wanted<'_>,
    asking: &mut Asking,
    say: &mut dyn FnMut(&str),
) -> Result<Done, StageError> {
    let mut told = Told { say, done: Done::default() };
    // Everything that can be wrong on this machine is found before anything is done.
    let before = config::read(&wanted.config_dir)?;
    let channels: Vec<String> = before.channels.keys().cloned().collect();
    let given = entries::given(wanted.channel_secrets.as_deref(), wanted.environment, &channels)?;
    let replaced = entries::replaced(&wanted.replace, &given, &channels)?;
    let functions = Functions::read(cloud).await?;
    tables(cloud, &functions).await?;

    let enrol = public_keys(cloud, &functions, &wanted.data_dir, &mut told).await?;
    let configuration = first_operator(&wanted, before, &mut told)?;
    let settle = Settle { cloud, functions: &functions, configuration: &configuration, channels, given, replaced };
    let changed = settle.secrets(asking, &mut told).await?;

    let vault = cloud.vault(functions.setting(cloud, Role::Locksmith, settings::VAULT_TABLE)?);
    match vault.begin_cursor(sweep::cursor(None, cloud.clock.now())).await? {
        Outcome::Written => told.changed("sweeperの読みはじめ: 書きました", "the sweeper's cursor: written"),
        Outcome::Already => told.there("sweeperの読みはじめ: あります", "the sweeper's cursor: there"),
    }
    fill(cloud, &functions, &vault, &mut told).await?;
    next_step(cloud, &functions, &enrol, &wanted.config_dir, &mut told);
    start_anew(cloud, &changed, &mut told);
    let Done { changed, missing } = told.done;
    match (changed, missing) {
        (0, 0) => told.line("すべてそろっています。何も変えていません。", "Everything is there. Nothing was changed."),
        (_, 0) => told.line("すべてそろいました。", "Everything is there now."),
        (_, _) => told.line(
            &format!("足りないものが{missing}件あります（！の行）。足してから、もう一度実行してください。"),
            &format!("{missing} thing(s) are missing, see the lines with ！: add them and run it again."),
        ),
    }
    Ok(told.done)
}

/// Finds out whether the tables are there before anything is done.
async fn tables(cloud: &Cloud, functions: &Functions) -> Result<(), StageError> {
    let names = functions.tables(cloud)?;
    for table in Table::ALL {
        let answer = cloud.dynamodb.describe_table().table_name(names.of(table)).send().await;
        answer.map_err(|error| StageError::call("DescribeTable", &error))?;
    }
    Ok(())
}

// ------------------------------------------------------------------------------- keys

/// Verifies the two keys that sign. Gives the public half of `enrol`, as the parameter
/// says it.
async fn public_keys(
    cloud: &Cloud,
    functions: &Functions,
    data_dir: &Path,
    told: &mut Told<'_>,
) -> Result<String, StageError> {
    let enrol = functions.setting(cloud, Role::Locksmith, settings::ENROL_KEY)?;
    let enrol = keys::public_key(&cloud.kms, enrol).await?;
    EnrolKey::new(&enrol)?;
    let evidence = functions.setting(cloud, Role::Sweeper, settings::EVIDENCE_KEY)?;
    let evidence = keys::public_key(&cloud.kms, evidence).await?;
    EvidenceKey::new(&evidence)?;
    told.there("KMSの鍵enrolとevidence: 確かめました", "KMS keys enrol and evidence: verified");

    let path = data_dir.join(format!("{}-evidence-public-key.pem", cloud.stack));
    let shown = path.display();
    let known = std::fs::read_to_string(&path).ok();
    match known.as_deref().map(operator_key::read_public) {
        Some(Some(known)) if known == evidence => {
            told.there(&format!("台帳を検証する公開鍵: {shown}"), "the public key that checks the ledger");
        }
        Some(_) => told.missing(
            &format!("{shown}は、この環境の台帳の公開鍵ではありません。どちらが正しいかを調べ、違っていれば別の場所に移してください。"),
            "this file is not the public key of this stage's ledger: find out which is right, and move the file away if it is not",
        ),
        None => {
            let failed = |error| StageError::File(path.clone(), error);
            make_private_folder(data_dir).map_err(failed)?;
            operator_key::write_public(&path, &evidence).map_err(failed)?;
            told.changed(
                &format!("台帳を検証する公開鍵を書きました: {shown}"),
                "wrote the public key that checks the ledger (azukari audit verify --evidence)",
            );
        }
    }
    Ok(STANDARD.encode(enrol))
}

// -------------------------------------------------------------------------- operators

/// Adds the first operator to the configuration, if one was named that is not in it. Gives
/// the configuration as it is then.
fn first_operator(
    wanted: &Wanted<'_>,
    configuration: Configuration,
    told: &mut Told<'_>,
) -> Result<Configuration, StageError> {
    let Some(id) = &wanted.operator else {
        if configuration.operators.is_empty() {
            told.missing(
                "担当者がいません。--operator 名前 を付けて実行してください。",
                "there is no operator: run it with --operator NAME",
            );
        }
        return Ok(configuration);
    };
    if let Some(known) = configuration.operators.iter().find(|operator| operator.id == *id) {
        let other = wanted.operator_public_key.as_deref().is_some_and(|key| key != STANDARD.encode(known.public_key));
        if other {
            return Err(StageError::Wish(said(
                format!("担当者{id}は、別の公開鍵でoperators.tomlにあります。どちらが正しいかを確かめてください。"),
                format!("The operator {id} is in operators.toml with another public key: find out which is right."),
            )));
        }
        told.there(&format!("担当者{id}: operators.tomlにあります"), "the operator is in operators.toml");
        return Ok(configuration);
    }
    let public_key = match &wanted.operator_public_key {
        Some(text) => {
            let point = STANDARD.decode(text).ok().and_then(|bytes| operators::on_curve(&bytes));
            point.map(|point| STANDARD.encode(point)).ok_or_else(|| {
                StageError::Wish(said(
                    "--operator-public-keyは azukari operator add が表示する値です（P-256の公開鍵、base64）。",
                    "--operator-public-key is what azukari operator add prints: a P-256 point in base64.",
                ))
            })?
        }
        None => own_key(&wanted.data_dir, id, told)?.public_text(),
    };
    let path = wanted.config_dir.join(operators::FILE);
    append(&path, &block(id, &public_key)).map_err(|error| StageError::File(path.clone(), error))?;
    let path = path.display();
    told.changed(
        &format!("担当者{id}（個人情報保護管理者）を{path}に足しました"),
        "added the operator (privacy officer)",
    );
    Ok(config::read(&wanted.config_dir)?)
}

/// The key pair of an operator: the one that is there, or a fresh one.
fn own_key(data_dir: &Path, id: &OperatorId, told: &mut Told<'_>) -> Result<OperatorKey, StageError> {
    let path = operator_key::usual_path(data_dir, id);
    if path.exists() {
        return OperatorKey::read(id.clone(), &path).map_err(|error| match error {
            NoKey::Malformed(path) => {
                let path = path.display();
                StageError::Wish(said(
                    format!(
                        "{path}はP-256の秘密鍵ではありません。別の場所に移してください。bootstrapが新しい鍵を作ります。"
                    ),
                    format!("{path} is not a P-256 private key: move it away; bootstrap makes a new one."),
                ))
            }
            error => error.into(),
        });
    }
    let key = OperatorKey::make(id.clone(), &path)?;
    told.changed(
        &format!("担当者の秘密鍵を作りました（本人だけが持つファイルです）: {}", path.display()),
        "made the operator's private key, a file for this operator alone",
    );
    Ok(key)
}

/// What `operators.toml` says of a first operator. Both parts are checked: nothing in them
/// has to be escaped.
fn block(id: &OperatorId, public_key: &str) -> String {
    let role = OperatorRole::PrivacyOfficer.as_str();
    format!("\n[[operator]]\nid = \"{id}\"\nrole = \"{role}\"\npublic_key = \"{public_key}\"\n")
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let ends = std::fs::read_to_string(path).map_or(true, |there| there.is_empty() || there.ends_with('\n'));
    let text = if ends { text.to_owned() } else { format!("\n{text}") };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

// ---------------------------------------------------------------------------- secrets

struct Settle<'a> {
    cloud: &'a Cloud,
    functions: &'a Functions,
    configuration: &'a Configuration,
    channels: Vec<String>,
    given: BTreeMap<Entry, Plain<String>>,
    replaced: BTreeSet<Entry>,
}

impl Settle<'_> {
    /// Completes the secrets, one after the other. Gives the roles whose secret was written
    /// on top of another version: what runs goes by that one still.
    async fn secrets(&self, asking: &mut Asking, told: &mut Told<'_>) -> Result<BTreeSet<Role>, StageError> {
        let (mut agreed, mut changed) = (None, BTreeSet::new());
        for _ in 0..ATTEMPTS {
            let mut stored = BTreeMap::new();
            for role in HOLDERS {
                stored.insert(role, secrets::read(self.cloud, self.functions, role).await?);
            }
            let Values { values, unasked } = self.values(&stored, told).await?;
            let lists = self.lists(&stored);
            if agreed.is_none() && !lists.lost.is_empty() {
                agreed = Some(self.may_go(&lists, asking, told)?);
            }
            let texts = self.texts(&stored, &values, &lists, agreed.unwrap_or(true));
            if self.write(&stored, &texts, &mut changed, told).await? {
                self.still_missing(&values, told);
                still_malformed(&texts, told);
                for name in unasked {
                    told.missing(
                        &format!(
                            "channel.{name}.{BOT_USER_ID}: LINEが新しいaccess_tokenに答えないので、もとのままです。トークンを確かめ、もう一度 --replace channel.{name}.access_token を付けて実行してください。"
                        ),
                        "stays as it was, as LINE does not answer to the new access_token: check it, and run it again with --replace",
                    );
                }
                return Ok(changed);
            }
            told.line("ほかのだれかが先に書きました。読み直します。", "Somebody else was quicker: reading again.");
        }
        Err(StageError::Overtaken)
    }

    /// Every value that is there, was given, was told by LINE, or is made here.
    async fn values(&self, stored: &BTreeMap<Role, Stored>, told: &mut Told<'_>) -> Result<Values, StageError> {
        let gathered = entries::gather(|role| stored.get(&role).map(|stored| &stored.text), &self.channels);
        let mut differ = gathered.differ;
        differ.retain(|entry, _| !self.replaced.contains(entry));
        if !differ.is_empty() {
            return Err(StageError::Differ(entries::told(&differ)));
        }
        let mut values = gathered.known;
        for (entry, value) in &self.given {
            match values.get(entry) {
                Some(known) if known != value && !self.replaced.contains(entry) => told.line(
                    &format!("＝ {entry}: もうある値のままにします（取り替えるには --replace {entry}）"),
                    "the value that is there stays; --replace changes it",
                ),
                Some(_) if !self.replaced.contains(entry) => {}
                Some(_) | None => drop(values.insert(entry.clone(), value.clone())),
            }
        }
        let mut unasked = Vec::new();
        for name in &self.channels {
            let bot = Entry::Channel(name.clone(), BOT_USER_ID);
            let token = Entry::Channel(name.clone(), ACCESS_TOKEN);
            // A new token may be that of another bot.
            let renewed = self.replaced.contains(&token) && !self.given.contains_key(&bot);
            let known = values.get(&bot).cloned();
            let Some(token) = values.get(&token).filter(|_| renewed || known.is_none()) else { continue };
            let answer = self.bot_user_id(token).await.map(Plain::new);
            match answer {
                Some(id) => {
                    if known.is_some_and(|known| known != id) {
                        told.line(
                            &format!("～ {bot}: 新しいaccess_tokenのボットのものに改めます"),
                            "is taken over from the bot of the new access_token",
                        );
                    }
                    values.insert(bot, id);
                }
                None if known.is_some() => unasked.push(name.clone()),
                // Told of with what is missing.
                None => {}
            }
        }
        for entry in HOLDERS.into_iter().flat_map(|role| Entry::of(role, &self.channels)) {
            if !values.contains_key(&entry)
                && let Some(fresh) = entry.fresh(&*self.cloud.mint)
            {
                values.insert(entry, fresh);
            }
        }
        Ok(Values { values, unasked })
    }

    /// The id under which LINE sends a bot's webhooks (`GET /v2/bot/info`): the console does
    /// not show it.
    async fn bot_user_id(&self, token: &Plain<String>) -> Option<String> {
        let base = self.functions.find(Role::Webhook, settings::LINE_API).unwrap_or(LINE_API);
        let url = format!("{base}/v2/bot/info");
        let answer = http::call(&self.cloud.http, "GET", &url, Some(token), Body::Empty).await.ok()?;
        answer.body["userId"].as_str().filter(|_| answer.status == 200).map(str::to_owned)
    }

    /// Operators and sites, as the configuration has them and as they are.
    fn lists(&self, stored: &BTreeMap<Role, Stored>) -> Lists {
        let operators = forms::operators(&self.configuration.operators);
        let sites = forms::sites(&self.configuration.sites);
        let list = |role: Role, member: &str| stored.get(&role).map(|stored| stored.text[member].clone());
        let mut gone = lost(&list(Role::Opener, "operators").unwrap_or_default(), &operators, "id");
        gone.extend(lost(&list(Role::Link, "sites").unwrap_or_default(), &sites, "name"));
        Lists { operators, sites, lost: gone }
    }

    fn may_go(&self, lists: &Lists, asking: &mut Asking, told: &mut Told<'_>) -> Result<bool, StageError> {
        let names = lists.lost.join(", ");
        let question = format!(
            "設定にない、または変わった担当者か会員サイトがあります: {names}。設定のとおりにしますか（y/N） / Operators or sites are gone from the configuration, or have changed: {names}. Make them as configured? (y/N)"
        );
        let agreed = asking.agree(&question, &mut *told.say)?;
        if !agreed {
            told.missing(
                "担当者と会員サイトは、設定と違うままです。",
                "operators and member sites stay as they are, other than configured",
            );
        }
        Ok(agreed)
    }

    /// What each secret is to be, and what of it is new.
    fn texts(
        &self,
        stored: &BTreeMap<Role, Stored>,
        values: &BTreeMap<Entry, Plain<String>>,
        lists: &Lists,
        agreed: bool,
    ) -> Vec<Text> {
        let mut texts = Vec::new();
        for (role, stored) in HOLDERS.into_iter().filter_map(|role| Some((role, stored.get(&role)?))) {
            let (mut text, mut added, mut replaced) = (stored.text.clone(), Vec::new(), Vec::new());
            for member in ["channel", "keys"] {
                if text[member].is_null() {
                    text[member] = json!({});
                }
            }
            for entry in Entry::of(role, &self.channels) {
                let before = entry.value(&stored.text);
                if let Some(value) = values.get(&entry).filter(|value| before != Some(value.reveal().as_str())) {
                    entry.set(&mut text, value);
                    let news = if before.is_none() { &mut added } else { &mut replaced };
                    news.push(entry.to_string());
                }
            }
            let list = match role {
                Role::Opener => Some(("operators", &lists.operators)),
                Role::Link => Some(("sites", &lists.sites)),
                _ => None,
            };
            if let Some((member, list)) = list.filter(|(member, list)| agreed && text[*member] != **list) {
                let news = if text[member].is_null() { &mut added } else { &mut replaced };
                news.push(member.to_owned());
                text[member] = list.clone();
            }
            texts.push(Text { role, text, added, replaced });
        }
        texts
    }

    /// Writes what is new. `false` if somebody else was quicker: then nothing is known any
    /// more.
    async fn write(
        &self,
        stored: &BTreeMap<Role, Stored>,
        texts: &[Text],
        changed: &mut BTreeSet<Role>,
        told: &mut Told<'_>,
    ) -> Result<bool, StageError> {
        for Text { role, text, added, replaced } in texts {
            let Some(stored) = stored.get(role) else { continue };
            let name = role.as_str();
            if added.is_empty() && replaced.is_empty() {
                told.there(&format!("{name}のシークレット: あります"), &format!("secret of {name}: there"));
                continue;
            }
            if !secrets::write(self.cloud, stored, text).await? {
                return Ok(false);
            }
            if stored.has_version() {
                changed.insert(*role);
            }
            let (added, replaced) = (added.join(", "), replaced.join(", "));
            let Said { ja, en } = match (added.as_str(), replaced.as_str()) {
                (added, "") => said(format!("足しました: {added}"), format!("added {added}")),
                ("", replaced) => said(format!("取り替えました: {replaced}"), format!("replaced {replaced}")),
                (added, replaced) => said(
                    format!("足しました: {added}。取り替えました: {replaced}"),
                    format!("added {added}; replaced {replaced}"),
                ),
            };
            told.changed(&format!("{name}のシークレット: {ja}"), &format!("secret of {name}: {en}"));
        }
        Ok(true)
    }

    /// Says which entries have no value.
    fn still_missing(&self, values: &BTreeMap<Entry, Plain<String>>, told: &mut Told<'_>) {
        let all: BTreeSet<Entry> = HOLDERS.into_iter().flat_map(|role| Entry::of(role, &self.channels)).collect();
        for entry in all.iter().filter(|entry| !entry.is_optional() && !values.contains_key(entry)) {
            match entry {
                Entry::Channel(_, member) if *member == BOT_USER_ID => told.missing(
                    &format!("{entry}がわかりません。access_tokenが正しければ、LINEが答えます。"),
                    "is not known: LINE tells it once access_token is right",
                ),
                Entry::Channel(..) | Entry::Key(_) => told.missing(
                    &format!("{entry}がありません。--channel-secretsのファイルに書いてください。"),
                    "is missing: put it into the file of --channel-secrets",
                ),
            }
        }
    }
}

/// The values of the entries.
struct Values {
    values: BTreeMap<Entry, Plain<String>>,
    /// Channels whose token is another one now, and of whose bot LINE has not told.
    unasked: Vec<String>,
}

/// What a secret is to be.
struct Text {
    role: Role,
    text: Value,
    /// What was not in it.
    added: Vec<String>,
    /// What was in it with another value.
    replaced: Vec<String>,
}

/// Says with what a function would not start. What is of our own making is there once: a
/// fresh value would not fit what was made with the right one.
fn still_malformed(texts: &[Text], told: &mut Told<'_>) {
    for Text { role, text, .. } in texts {
        let name = role.as_str();
        for problem in secrets::malformed(*role, text) {
            let ja = secrets::in_japanese(&problem);
            told.missing(
                &format!("{name}のシークレット: {ja}。Secrets Managerの前の版から、正しい値に戻してください。"),
                &format!("secret of {name}: {problem}; put it back from the previous version in Secrets Manager"),
            );
        }
    }
}

/// What the configuration says and goes into secrets beside the entries.
struct Lists {
    operators: Value,
    sites: Value,
    /// Names that the secrets have and the configuration has not, or otherwise.
    lost: Vec<String>,
}

/// The names in a list that another has not, or has with something else.
fn lost(before: &Value, after: &Value, name: &str) -> Vec<String> {
    let after = after.as_array().map(Vec::as_slice).unwrap_or_default();
    let gone = before.as_array().into_iter().flatten().filter(|one| !after.contains(one));
    gone.map(|one| one[name].as_str().unwrap_or("?").to_owned()).collect()
}

// ------------------------------------------------------------------------------- pool

/// How many key pairs wait.
pub(super) async fn level(vault: &Vault) -> Result<usize, StoreError> {
    let mut level = 0;
    for shard in 0..POOL_SHARDS {
        level += vault.pool_level(shard).await?;
    }
    Ok(level)
}

/// Has the locksmith fill the pool, run after run, as long as it grows.
async fn fill(cloud: &Cloud, functions: &Functions, vault: &Vault, told: &mut Told<'_>) -> Result<(), StageError> {
    let target = functions.setting(cloud, Role::Locksmith, settings::POOL_TARGET)?;
    let target: usize = target.parse().map_err(|_| StageError::NoSetting {
        function: functions::name(&cloud.stack, Role::Locksmith),
        setting: settings::POOL_TARGET,
    })?;
    let before = level(vault).await?;
    let mut now = before;
    while now < target {
        told.line(&format!("鍵の備え: {now} / {target}"), "key pairs in the pool");
        let function = functions::name(&cloud.stack, Role::Locksmith);
        let answer = cloud.lambda.invoke().function_name(function).payload(Blob::new(*b"{}")).send().await;
        let answer = answer.map_err(|error| StageError::call("Invoke", &error))?;
        let (grown, broke_off) = (level(vault).await?, answer.function_error.is_some());
        if broke_off || grown <= now {
            told.missing(
                &format!("鍵の備えは{grown} / {target}で、増えません。locksmithのログを見てください。"),
                "the pool does not grow: see the log of locksmith",
            );
            return Ok(());
        }
        now = grown;
    }
    if now == before {
        told.there(&format!("鍵の備え: {now} / {target}"), "key pairs in the pool");
    } else {
        told.changed(&format!("鍵の備え: {now} / {target}"), "key pairs in the pool");
    }
    Ok(())
}

// -------------------------------------------------------------------------- next step

/// Says what to deploy, if it is not deployed: the lines as they stand in
/// `infra/samconfig.toml`, where the next deployment finds them, too.
fn next_step(cloud: &Cloud, functions: &Functions, enrol: &str, config_dir: &Path, told: &mut Told<'_>) {
    let deployed = functions.find(Role::Webhook, settings::ENROL_PUBLIC_KEY) == Some(enrol);
    let pages = functions.find(Role::Webhook, settings::PUBLIC_URL).filter(|url| *url != "none");
    if deployed && pages.is_some() {
        (told.say)(&format!("EnrolPublicKey={enrol}"));
        told.there("EnrolPublicKeyとPublicUrl: デプロイされています", "EnrolPublicKey and PublicUrl: deployed");
        return;
    }
    told.line(
        "つぎに: infra/samconfig.tomlのparameter_overridesの、同じ名前の行をこう書き換え、もう一度デプロイします",
        "Next: in parameter_overrides of infra/samconfig.toml make the lines of these names so, and deploy again",
    );
    (told.say)(&format!("  \"EnrolPublicKey={enrol}\","));
    if pages.is_none() {
        (told.say)("  \"PublicUrl=PAGES_URL\",");
        told.line(
            "PAGES_URLには、出力PagesUrlかご自身のドメイン（https://…）を入れます（DomainNameを使うときは、この行は要りません）",
            "PAGES_URL is the output PagesUrl or a domain of your own, https://…; this line is not needed with DomainName",
        );
    }
    let environment = environment(config_dir, &cloud.stack).unwrap_or_else(|| "<dev|prod>".to_owned());
    (told.say)(&format!("  cd infra && sam deploy --config-env {environment}"));
}

/// The environment of `infra/samconfig.toml`, beside the configuration, that deploys a stack.
fn environment(config_dir: &Path, stack: &str) -> Option<String> {
    let text = std::fs::read_to_string(config_dir.parent()?.join("samconfig.toml")).ok()?;
    let all: toml::Table = text.parse().ok()?;
    let deploys = |about: &toml::Value| {
        let name = about.get("deploy").and_then(|it| it.get("parameters")).and_then(|it| it.get("stack_name"));
        name.and_then(toml::Value::as_str) == Some(stack)
    };
    all.iter().find(|(_, about)| deploys(about)).map(|(name, _)| name.clone())
}

/// Says how what runs is started with what its secret is now.
fn start_anew(cloud: &Cloud, changed: &BTreeSet<Role>, told: &mut Told<'_>) {
    if changed.is_empty() {
        return;
    }
    told.line(
        "つぎに: 変わったシークレットで関数を新しく起動します（もう一度デプロイするだけでは、起動し直しません）",
        "Next: start the functions anew with their changed secrets; deploying again does not do that",
    );
    for role in changed {
        (told.say)(&format!("  {}", functions::start_anew(cloud, *role)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_gone_or_has_changed_is_named() {
        let before = json!([{"id": "a", "n": 1}, {"id": "b", "n": 1}, {"id": "c", "n": 1}]);
        let after = json!([{"id": "c", "n": 1}, {"id": "b", "n": 2}, {"id": "d", "n": 1}]);
        assert_eq!(lost(&before, &after, "id"), ["a", "b"]);
        assert_eq!(lost(&Value::Null, &after, "id"), Vec::<String>::new());
    }
}
