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
    store::{Outcome, StoreError, Vault, key::POOL_SHARDS},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    config::{self, Configuration, operators},
    installation::make_private_folder,
    operator_key::{self, OperatorKey},
    stage::{
        Asking, Cloud, StageError,
        entries::{self, BOT_USER_ID, Entry, HOLDERS},
        functions::{self, Functions},
        http::{self, Body},
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

    let enrol = public_keys(cloud, &functions, &wanted.data_dir, &mut told).await?;
    let configuration = first_operator(&wanted, before, &mut told)?;
    let settle = Settle { cloud, functions: &functions, configuration: &configuration, channels, given, replaced };
    settle.secrets(asking, &mut told).await?;

    let vault = cloud.vault(functions.setting(cloud, Role::Locksmith, settings::VAULT_TABLE)?);
    match vault.begin_cursor(sweep::cursor(None, cloud.clock.now())).await? {
        Outcome::Written => told.changed("sweeperの読みはじめ: 書きました", "the sweeper's cursor: written"),
        Outcome::Already => told.there("sweeperの読みはじめ: あります", "the sweeper's cursor: there"),
    }
    fill(cloud, &functions, &vault, &mut told).await?;
    next_step(cloud, &functions, &enrol, &mut told);
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
            return Err(StageError::Wish(format!(
                "担当者{id}は、別の公開鍵でoperators.tomlにあります。 / The operator {id} is in operators.toml with another public key."
            )));
        }
        told.there(&format!("担当者{id}: operators.tomlにあります"), "the operator is in operators.toml");
        return Ok(configuration);
    }
    let public_key = match &wanted.operator_public_key {
        Some(text) => {
            let point = STANDARD.decode(text).ok().and_then(|bytes| operators::on_curve(&bytes));
            point.map(|point| STANDARD.encode(point)).ok_or_else(|| {
                StageError::Wish(
                    "--operator-public-keyは azukari operator add が表示する値です（P-256の公開鍵、base64）。 / --operator-public-key is what azukari operator add prints: a P-256 point in base64.".to_owned(),
                )
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
        return Ok(OperatorKey::read(id.clone(), &path)?);
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
    /// Completes the secrets, one after the other.
    async fn secrets(&self, asking: &mut Asking, told: &mut Told<'_>) -> Result<(), StageError> {
        let mut agreed = None;
        for _ in 0..ATTEMPTS {
            let mut stored = BTreeMap::new();
            for role in HOLDERS {
                stored.insert(role, secrets::read(self.cloud, self.functions, role).await?);
            }
            let values = self.values(&stored, told).await?;
            let lists = self.lists(&stored);
            if agreed.is_none() && !lists.lost.is_empty() {
                agreed = Some(self.may_go(&lists, asking, told)?);
            }
            if self.write(&stored, &values, &lists, agreed.unwrap_or(true), told).await? {
                self.still_missing(&values, told);
                return Ok(());
            }
            told.line("ほかのだれかが先に書きました。読み直します。", "Somebody else was quicker: reading again.");
        }
        Err(StageError::Overtaken)
    }

    /// Every value that is there, was given, was told by LINE, or is made here.
    async fn values(
        &self,
        stored: &BTreeMap<Role, Stored>,
        told: &mut Told<'_>,
    ) -> Result<BTreeMap<Entry, Plain<String>>, StageError> {
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
        for name in &self.channels {
            let bot = Entry::Channel(name.clone(), BOT_USER_ID);
            if let (None, Some(token)) = (values.get(&bot), values.get(&Entry::Channel(name.clone(), "access_token")))
                && let Some(id) = self.bot_user_id(token).await
            {
                values.insert(bot, Plain::new(id));
            }
        }
        for entry in HOLDERS.into_iter().flat_map(|role| Entry::of(role, &self.channels)) {
            if !values.contains_key(&entry)
                && let Some(fresh) = entry.fresh(&*self.cloud.mint)
            {
                values.insert(entry, fresh);
            }
        }
        Ok(values)
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

    /// Writes what is missing. `false` if somebody else was quicker: then nothing is known any
    /// more.
    async fn write(
        &self,
        stored: &BTreeMap<Role, Stored>,
        values: &BTreeMap<Entry, Plain<String>>,
        lists: &Lists,
        agreed: bool,
        told: &mut Told<'_>,
    ) -> Result<bool, StageError> {
        for (role, stored) in HOLDERS.into_iter().filter_map(|role| Some((role, stored.get(&role)?))) {
            let (mut text, mut news) = (stored.text.clone(), Vec::new());
            for member in ["channel", "keys"] {
                if text[member].is_null() {
                    text[member] = json!({});
                }
            }
            for entry in Entry::of(role, &self.channels) {
                if let Some(value) =
                    values.get(&entry).filter(|value| entry.value(&text) != Some(value.reveal().as_str()))
                {
                    entry.set(&mut text, value);
                    news.push(entry.to_string());
                }
            }
            let list = match role {
                Role::Opener => Some(("operators", &lists.operators)),
                Role::Link => Some(("sites", &lists.sites)),
                _ => None,
            };
            if let Some((member, list)) = list.filter(|(member, list)| agreed && text[*member] != **list) {
                text[member] = list.clone();
                news.push(member.to_owned());
            }
            let name = role.as_str();
            if news.is_empty() {
                told.there(&format!("{name}のシークレット: あります"), &format!("secret of {name}: there"));
                continue;
            }
            if !secrets::write(self.cloud, stored, &text).await? {
                return Ok(false);
            }
            let news = news.join(", ");
            told.changed(
                &format!("{name}のシークレットに足しました: {news}"),
                &format!("added to the secret of {name}"),
            );
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

/// Says what to deploy, if it is not deployed.
fn next_step(cloud: &Cloud, functions: &Functions, enrol: &str, told: &mut Told<'_>) {
    let deployed = functions.find(Role::Webhook, settings::ENROL_PUBLIC_KEY) == Some(enrol);
    let pages = functions.find(Role::Webhook, settings::PUBLIC_URL).filter(|url| *url != "none");
    (told.say)(&format!("EnrolPublicKey={enrol}"));
    if deployed && pages.is_some() {
        told.there("EnrolPublicKeyとPublicUrl: デプロイされています", "EnrolPublicKey and PublicUrl: deployed");
        return;
    }
    let mut parameters = vec![format!("EnrolPublicKey={enrol}")];
    if pages.is_none() {
        parameters.push("PublicUrl=PAGES_URL".to_owned());
    }
    told.line(
        "つぎに: この値をinfra/samconfig.tomlのparameter_overridesに書いて、もう一度デプロイします",
        "Next: put this into parameter_overrides of infra/samconfig.toml and deploy again",
    );
    if pages.is_none() {
        told.line(
            "PAGES_URLには、出力PagesUrlかご自身のドメイン（https://…）を入れます（DomainNameを使うときは要りません）",
            "PAGES_URL is the output PagesUrl or a domain of your own, https://…; not needed with DomainName",
        );
    }
    (told.say)(&format!(
        "  sam deploy --template-file infra/template.yaml --stack-name {} --region {} --resolve-s3 --capabilities CAPABILITY_IAM --parameter-overrides {}",
        cloud.stack,
        cloud.region,
        parameters.join(" ")
    ));
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
