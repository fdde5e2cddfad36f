//! `infra/COST.md`, as it follows from what was counted.

use std::fmt::Write;

use super::{
    bill::{Bill, Model},
    meter::Spent,
    prices::{Checked, Prices},
    stories::{Stories, Way},
    template::Template,
};

/// Friends of an account: the sizes of the page.
const SIZES: [f64; 3] = [1_000.0, 10_000.0, 100_000.0];

const MILLION: f64 = 1_000_000.0;

const OPENING: &str = "\
# 費用 / Cost

このページは書いたものではなく、作られたものです。本物の関数を手元のエンジンの上で動かし、DynamoDB、KMS、LINEへの呼び出しと、\
DynamoDBの読み書きの単位を一つずつ数え、`tests/data/prices.toml`の価格を掛けています。呼び出しが一つ増えるとテスト`cost`が失敗します。\
作り直すには: `AZUKARI_WRITE_COST=1 cargo test -p azukari-tests --test it cost::`

This page is generated. The real functions run over the engines of local mode; every call to DynamoDB, KMS and LINE \
is counted, with the read and write units that DynamoDB's rules give, and multiplied by `tests/data/prices.toml`. One \
more call makes the test `cost` fail. The command above writes the page anew.
";

const LIMITS: &str = "\
- 金額は米ドル、税抜きの定価です。無料利用枠は引いていません。 / US dollars, list prices, without tax. No free tier is subtracted.
- 読み書きの単位は、手元のエンジン（dynoxide）がDynamoDBの規則で数えたものです。トランザクションの書き込みは表の分が二倍、索引への書き込みを含みます。\
本物のAWSの請求とは、まだ比べていません。 / Units are those that the engine of local mode (dynoxide) counts by DynamoDB's rules: \
transactional writes are doubled on the table, writes to indexes are included. They have not been compared with a bill of AWS yet.
- 実行時間はここでは測れないので、呼び出し一回あたりの時間を仮定し、待ち時間が重ならないものとして足しています（多めの見積もりです）。 / \
How long functions run cannot be measured here. A time for each call is assumed, and waits are added up as if none overlapped, \
which is more than it will be.
- 含めていないもの: 会員IDの連携（`link`）、LINEの月額とメッセージ料金、独自ドメイン、CloudTrailの追加の証跡、WAF、AWSサポート、\
鍵の年ごとのローテーション（`wrap`と`tables`で、はじめの二回まで一回につき月1ドルずつ増えます）、警報のメールとキュー（わずかです）。 / \
Not included: linking of member ids (`link`), LINE's own fees, a domain, further CloudTrail trails, WAF, AWS Support, the yearly \
rotation of `wrap` and `tables` (a dollar a month more for each of the first two of each), and the e-mails and the queue of alarms, \
which are next to nothing.
- メトリクスの数は、数えた話の中で書かれたものです。実際には、書かれた時間の分だけ課金されます。 / \
Metrics are those that the counted stories have written; each is billed for the hours in which it is written.
";

/// The page.
pub fn page(prices: &Prices, stories: &Stories, template: &Template) -> String {
    let model = Model { prices, stories, template };
    let parts = [
        OPENING.to_owned(),
        months(&model),
        base(&model),
        millions(&model),
        format!("## 読み方と限界 / What to know\n\n{LIMITS}"),
        assumptions(&model),
        listed(&model),
    ];
    parts.join("\n")
}

/// A month, by service and size.
fn months(model: &Model<'_>) -> String {
    let base = model.base();
    let sizes: Vec<Bill> = SIZES.iter().map(|friends| model.friends(*friends)).collect();
    let mut text = String::from("## 一か月 / A month\n\n");
    line(&mut text, &["USD", "何もない月 / nothing happens", "友だち1,000人 / friends", "10,000人", "100,000人"]);
    rule(&mut text, 5);
    for service in services(model.prices) {
        let of = |bill: &Bill| bill.usd_of(model.prices, service);
        let cells = sizes.iter().map(|size| usd(of(&base) + of(size)));
        let cells: Vec<String> = [service.to_owned(), usd(of(&base))].into_iter().chain(cells).collect();
        line(&mut text, &cells);
    }
    let whole = base.usd(model.prices);
    let totals: Vec<f64> = sizes.iter().map(|size| whole + size.usd(model.prices)).collect();
    let cells = totals.iter().map(|total| format!("**{}**", usd(*total)));
    let cells: Vec<String> =
        ["**合計 / in all**".to_owned(), format!("**{}**", usd(whole))].into_iter().chain(cells).collect();
    line(&mut text, &cells);
    let each = SIZES.iter().zip(&totals).map(|(friends, total)| usd(total / friends * 10_000.0));
    let cells: Vec<String> =
        ["友だち10,000人あたり / per 10,000 friends".to_owned(), String::new()].into_iter().chain(each).collect();
    line(&mut text, &cells);
    let each = SIZES.iter().map(|friends| thousands(model.events(*friends)));
    let cells: Vec<String> =
        ["LINEのイベント / events from LINE".to_owned(), "0".to_owned()].into_iter().chain(each).collect();
    line(&mut text, &cells);
    text.push_str(
        "\n小さなアカウントでは、人数によらない分（二列目）がほとんどです。 / \
         In a small account nearly all of it is what does not depend on friends: the second column.\n",
    );
    text
}

/// What does not depend on friends, by item.
fn base(model: &Model<'_>) -> String {
    let mut text = String::from("## 人数によらない分の内訳 / What does not depend on friends, by item\n\n");
    line(&mut text, &["もの / item", "一か月の量 / amount a month", "USD"]);
    rule(&mut text, 3);
    for (item, amount) in model.base().lines() {
        let price = &model.prices.price[item];
        let name = format!("{}: {} / {}", price.service, price.ja, price.en);
        line(&mut text, &[name, quantity(amount), usd(model.prices.usd(item, amount))]);
    }
    text
}

/// What was counted for each story, and a million of them.
fn millions(model: &Model<'_>) -> String {
    let mut text = String::from("## 一回と百万回 / Once, and a million times\n\n");
    let head = [
        "できごと / what happens",
        "DynamoDB呼び出し / calls",
        "読み / read units",
        "書き / write units",
        "KMS",
        "LINE",
        "百万回 / a million, USD",
    ];
    line(&mut text, &head);
    rule(&mut text, head.len());
    for story in &model.stories.all {
        let within = if story.way == Way::Within { " ＊" } else { "" };
        let Spent { calls, reads, writes, line: to_line, .. } = &story.spent;
        let cells = [
            format!("{} / {}（{}）{within}", story.ja, story.en, story.role.as_str()),
            quantity(*calls),
            quantity(*reads),
            quantity(*writes),
            kms(&story.spent),
            quantity(*to_line),
            usd(model.once(story).usd(model.prices) * MILLION),
        ];
        line(&mut text, &cells);
    }
    for (role, spent) in &model.stories.configuration {
        let cells = [
            format!("設定の読み込み / loading the configuration（{}）", role.as_str()),
            quantity(spent.calls),
            quantity(spent.reads),
            quantity(spent.writes),
            kms(spent),
            quantity(spent.line),
            String::new(),
        ];
        line(&mut text, &cells);
    }
    text.push_str(
        "\n＊ 毎分の実行の中で行われるので、起動の費用を含みません。 / \
         Done within a run that takes place anyway: its start is not counted again.\n\
         設定は、だれかが来た分ごとに一度読み込まれます。 / \
         The configuration is loaded once in each minute in which somebody comes.\n",
    );
    text
}

fn assumptions(model: &Model<'_>) -> String {
    let mut text = format!("## 仮定 / What is assumed ({})\n\n", model.prices.date);
    line(&mut text, &["仮定 / assumption", "値 / value"]);
    rule(&mut text, 2);
    for assumed in model.prices.assumed.values() {
        line(&mut text, &[format!("{} / {}", assumed.ja, assumed.en), quantity(assumed.value)]);
    }
    text
}

fn listed(model: &Model<'_>) -> String {
    let Prices { date, region, .. } = model.prices;
    let mut text = format!("## 価格 / Prices ({region}, {date})\n\n");
    line(&mut text, &["もの / item", "USD", "確認 / checked", "出典 / source"]);
    rule(&mut text, 4);
    for price in model.prices.price.values() {
        let mark = Checked::ALL.into_iter().position(|checked| checked == price.checked).map_or(0, |n| n + 1);
        let per = if price.per == 1.0 { String::new() } else { format!(" / {}", thousands(price.per)) };
        let name = format!("{}: {} / {}", price.service, price.ja, price.en);
        line(&mut text, &[name, format!("{}{per}", price.usd), format!("({mark})"), format!("<{}>", price.source)]);
    }
    text.push('\n');
    for (n, checked) in Checked::ALL.into_iter().enumerate() {
        writeln!(text, "- ({}) {}", n + 1, checked.words()).expect("a text takes a line");
    }
    text
}

/// Services, in the order of their names, each once.
fn services(prices: &Prices) -> Vec<&str> {
    let mut all: Vec<&str> = prices.price.values().map(|price| price.service.as_str()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn kms(spent: &Spent) -> String {
    let each: Vec<String> = spent.kms.iter().map(|(operation, n)| format!("{operation} {}", quantity(*n))).collect();
    if each.is_empty() { "0".to_owned() } else { each.join(", ") }
}

fn line(text: &mut String, cells: &[impl AsRef<str>]) {
    for cell in cells {
        text.push_str("| ");
        text.push_str(cell.as_ref());
        text.push(' ');
    }
    text.push_str("|\n");
}

fn rule(text: &mut String, cells: usize) {
    text.push_str("|---");
    for _ in 1..cells {
        text.push_str("|---:");
    }
    text.push_str("|\n");
}

/// Dollars and cents.
fn usd(amount: f64) -> String {
    let cents = (amount * 100.0).round() / 100.0;
    if cents == 0.0 && amount.abs() > 0.000_001 { "<0.01".to_owned() } else { thousands_and(cents.max(0.0) + 0.0, 2) }
}

/// A number with as many digits as it needs, three of them behind the point.
fn quantity(amount: f64) -> String {
    let rounded = (amount * 1_000.0).round() / 1_000.0;
    if rounded == 0.0 && amount.abs() > 0.000_000_1 {
        return "<0.001".to_owned();
    }
    let text = thousands_and(rounded.abs(), 3);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if rounded < 0.0 { format!("-{text}") } else { text.to_owned() }
}

fn thousands(amount: f64) -> String {
    thousands_and(amount, 0)
}

/// Digits in groups of three.
fn thousands_and(amount: f64, decimals: usize) -> String {
    let text = format!("{amount:.decimals$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or_else(|| grouped.clone(), |rest| format!("{grouped}.{rest}"))
}
