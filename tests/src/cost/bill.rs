//! What is used, priced: counted stories times how often they happen.

use std::collections::BTreeMap;

use azukari::host::roles::Role;

use super::{
    meter::Spent,
    prices::Prices,
    stories::{Stories, Story, Way},
    template::Template,
};

/// Amounts of things that have a price, by their names in the file of prices.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill(BTreeMap<&'static str, f64>);

impl Bill {
    fn add(&mut self, item: &'static str, amount: f64) {
        *self.0.entry(item).or_default() += amount;
    }

    fn add_all(&mut self, more: &Self, times: f64) {
        for (item, amount) in &more.0 {
            self.add(item, amount * times);
        }
    }

    /// Things and amounts.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.0.iter().map(|(item, amount)| (*item, *amount))
    }

    /// US dollars in all.
    pub fn usd(&self, prices: &Prices) -> f64 {
        self.lines().map(|(item, amount)| prices.usd(item, amount)).sum()
    }

    /// US dollars for one service.
    pub fn usd_of(&self, prices: &Prices, service: &str) -> f64 {
        let own = self.lines().filter(|(item, _)| prices.price[*item].service == service);
        own.map(|(item, amount)| prices.usd(item, amount)).sum()
    }
}

/// What everything is worked out from.
#[derive(Debug)]
pub struct Model<'a> {
    /// Prices and assumptions.
    pub prices: &'a Prices,
    /// Counted.
    pub stories: &'a Stories,
    /// Declared.
    pub template: &'a Template,
}

/// Which of the functions take requests from the internet.
const REQUESTED: [Role; 3] = [Role::Webhook, Role::Form, Role::Link];

/// Functions.
const FUNCTIONS: [Role; 6] = [Role::Webhook, Role::Form, Role::Link, Role::Locksmith, Role::Sweeper, Role::Opener];

const GIGABYTE: f64 = 1_000_000_000.0;

impl Model<'_> {
    fn assumed(&self, name: &str) -> f64 {
        self.prices.assumed(name)
    }

    /// Minutes of a month.
    fn minutes(&self) -> f64 {
        self.assumed("hours_a_month") * 60.0
    }

    /// What one occurrence of a story uses.
    pub fn once(&self, story: &Story) -> Bill {
        let mut bill = Bill::default();
        self.spend(&mut bill, story.role, &story.spent);
        match story.way {
            Way::Within => {}
            Way::Invocation => self.invoke(&mut bill, story.role),
            Way::Request => {
                self.invoke(&mut bill, story.role);
                bill.add("api_request", 1.0);
                log(&mut bill, self.assumed("access_log_bytes"), 1.0);
                let bytes = if story.role == Role::Webhook { "webhook_answer_bytes" } else { "page_bytes" };
                bill.add("transfer_gb", self.assumed(bytes) / GIGABYTE);
            }
        }
        bill
    }

    /// The calls of a function, and the time it waits for them.
    fn spend(&self, bill: &mut Bill, role: Role, spent: &Spent) {
        bill.add("dynamodb_read", spent.reads);
        bill.add("dynamodb_write", spent.writes);
        for (operation, n) in &spent.kms {
            bill.add(kms_price(operation), *n);
        }
        bill.add("transfer_gb", spent.line * self.assumed("line_call_bytes") / GIGABYTE);
        let waits =
            (spent.calls + spent.kms_calls()) * self.assumed("ms_a_call") + spent.line * self.assumed("ms_a_line_call");
        self.compute(bill, role, waits);
    }

    /// A run of a function, besides its calls.
    fn invoke(&self, bill: &mut Bill, role: Role) {
        bill.add("lambda_request", 1.0);
        self.compute(bill, role, self.assumed("ms_a_run"));
        // The logs of these two hold the signed heads of the ledger, and are kept for years.
        let months = match role {
            Role::Sweeper | Role::Opener => self.assumed("months_of_ledger"),
            _ => 1.0,
        };
        log(bill, self.assumed("log_bytes"), months);
    }

    fn compute(&self, bill: &mut Bill, role: Role, ms: f64) {
        bill.add("lambda_gb_second", self.template.memory(role) / 1_024.0 * ms / 1_000.0);
    }

    /// What a month costs in which nobody writes: it is the same for every size.
    pub fn base(&self) -> Bill {
        let mut bill = Bill::default();
        bill.add("kms_key_month", self.template.resources("AWS::KMS::Key"));
        bill.add("secret_month", self.template.resources("AWS::SecretsManager::Secret"));
        bill.add("alarm_month", self.template.resources("AWS::CloudWatch::Alarm"));
        bill.add("metric_month", self.stories.metrics_always as f64);
        for id in ["quiet", "pool"] {
            bill.add_all(&self.once(self.stories.story(id)), self.minutes());
            bill.add("schedule_run", self.minutes());
        }
        let hours = self.assumed("hours_a_month");
        bill.add_all(&self.once(self.stories.story("hour")), hours);
        bill.add_all(&self.once(self.stories.story("day")), hours / 24.0);
        self.cold_starts(&mut bill);
        self.tables_key(&mut bill);
        let pair = self.pair_bytes() * self.template.pool_target() as f64;
        self.store(&mut bill, pair + self.stories.story("day").bytes * self.days_kept());
        bill
    }

    /// Days for which what is never erased has piled up.
    fn days_kept(&self) -> f64 {
        self.assumed("months_of_ledger") * self.assumed("hours_a_month") / 24.0
    }

    /// Bytes of a pair that waits: its two halves, as they were counted when one was made.
    fn pair_bytes(&self) -> f64 {
        self.stories.story("pair").bytes
    }

    /// New environments fetch their secret, which is encrypted under `tables`.
    fn cold_starts(&self, bill: &mut Bill) {
        let days = self.assumed("hours_a_month") / 24.0;
        let secrets = self.template.resources("AWS::SecretsManager::Secret");
        let starts = self.assumed("cold_starts_a_day") * days;
        bill.add("secret_call", secrets * starts);
        bill.add("kms_request", secrets * starts);
        for role in FUNCTIONS {
            self.compute(bill, role, self.assumed("ms_a_cold_start") * starts);
        }
    }

    /// DynamoDB asks KMS for the key of a table anew, for each function that calls it.
    fn tables_key(&self, bill: &mut Bill) {
        let mut pairs: Vec<(Role, &str)> = Vec::new();
        for story in &self.stories.all {
            pairs.extend(story.spent.tables.iter().map(|table| (story.role, table.as_str())));
        }
        pairs.sort_unstable();
        pairs.dedup();
        let times = self.minutes() / self.assumed("minutes_of_a_table_key");
        bill.add("kms_request", pairs.len() as f64 * times);
    }

    fn store(&self, bill: &mut Bill, bytes: f64) {
        bill.add("dynamodb_storage_gb", bytes / GIGABYTE);
        bill.add("dynamodb_recovery_gb", bytes / GIGABYTE);
    }

    /// How often each story happens in a month with so many friends.
    pub fn times(&self, friends: f64) -> Vec<(&'static str, f64)> {
        let per = |name: &str| friends * self.assumed(name);
        let (new, leaving) = (per("new_friends"), per("erasures"));
        let (first, later, soon) = (per("days_of_writing"), per("later_messages"), per("soon_messages"));
        let forms = per("forms");
        vec![
            ("follow", new),
            ("consent", new),
            ("redated", new),
            ("pair", new),
            ("first", first),
            ("message", later),
            ("soon", soon),
            ("page", forms * self.assumed("pages_a_form")),
            ("form", forms),
            ("opening", per("openings")),
            ("refusal", leaving),
            ("erasure", leaving),
            // In the long run as much is erased as comes in.
            ("due", first + later + soon + forms),
        ]
    }

    /// Events that LINE sends in a month with so many friends.
    pub fn events(&self, friends: f64) -> f64 {
        const HOOKS: [&str; 6] = ["follow", "consent", "first", "message", "soon", "refusal"];
        self.times(friends).iter().filter(|(id, _)| HOOKS.contains(id)).map(|(_, n)| n).sum()
    }

    /// What a month with so many friends uses beyond the base.
    pub fn friends(&self, friends: f64) -> Bill {
        let mut bill = Bill::default();
        let times = self.times(friends);
        for (id, n) in &times {
            bill.add_all(&self.once(self.stories.story(id)), *n);
        }
        let often = |id: &str| times.iter().find(|(name, _)| *name == id).map_or(0.0, |(_, n)| *n);
        self.configuration(&mut bill, &times);
        // Metrics are billed by the hour in which they are written.
        let hours = self.assumed("hours_a_month");
        let busy = (self.events(friends) / hours).min(1.0);
        bill.add("metric_month", busy * (self.stories.metrics_seen - self.stories.metrics_always) as f64);
        let bytes = |id: &str| self.stories.story(id).bytes;
        let messages = (often("first") + often("message") + often("soon")) * self.assumed("months_of_messages");
        let kept = friends * bytes("follow")
            + messages * bytes("message")
            + often("form") * self.assumed("months_of_forms") * bytes("form")
            + often("opening") * self.assumed("months_of_ledger") * bytes("opening");
        self.store(&mut bill, kept);
        bill
    }

    /// The published configuration is loaded once a minute in which somebody comes, and for
    /// each invocation of the opener.
    fn configuration(&self, bill: &mut Bill, times: &[(&'static str, f64)]) {
        for (role, spent) in &self.stories.configuration {
            let runs: f64 = times
                .iter()
                .filter(|(id, _)| {
                    let story = self.stories.story(id);
                    story.role == *role && story.way != Way::Within
                })
                .map(|(_, n)| n)
                .sum();
            let most = if REQUESTED.contains(role) { self.minutes() * self.assumed("environments") } else { runs };
            let mut each = Bill::default();
            self.spend(&mut each, *role, spent);
            bill.add_all(&each, runs.min(most));
        }
    }
}

/// So much of a log, and keeping it for so many months.
fn log(bill: &mut Bill, bytes: f64, months: f64) {
    bill.add("log_gb", bytes / GIGABYTE);
    bill.add("log_storage_gb", bytes / GIGABYTE * months);
}

/// What KMS asks for an operation.
fn kms_price(operation: &str) -> &'static str {
    match operation {
        "Decrypt" | "GenerateMac" => "kms_request",
        "Sign" => "kms_asymmetric",
        "GenerateDataKeyPairWithoutPlaintext" => "kms_pair",
        other => panic!("there is no price for kms:{other}"),
    }
}
