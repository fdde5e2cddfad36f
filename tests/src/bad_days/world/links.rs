//! Linking on bad days: people and members are joined and parted in any order, in storms,
//! and whatever happens no member id is ever joined with two people.

use std::collections::BTreeMap;

use azukari::store::tables::Table;
use azukari_local::engine::wire::Calm;
use serde_json::Value;

use crate::{
    bad_days::{
        plan::{Bad, CHANNELS, Link, Who},
        weather::{Storm, killed_after},
        world::World,
    },
    forms::Page,
    linking::{Browser, location, parameter},
};

/// The member ids of a day.
fn member(number: usize) -> String {
    format!("member-{number}")
}

impl World {
    pub(super) async fn link(&mut self, number: usize, who: Who, link: Link, bad: Bad) -> Result<(), String> {
        if self.model.closing(who) {
            return Ok(());
        }
        match link {
            Link::Chat { member } => self.link_in_chat(number, who, member, bad).await,
            Link::Login { member } => self.link_by_login(who, member, bad).await,
            Link::Unlink => self.unlink_in_chat(number, who, bad).await,
            Link::Business { member } => return self.unlink_by_business(who, member, bad).await,
        }
        self.tally.count("steps of linking", 1);
        self.no_member_has_two_people()
    }

    async fn link_in_chat(&mut self, number: usize, who: Who, of: usize, bad: Bad) {
        let (channel, someone) = (CHANNELS[who.channel], self.people[who.person].clone());
        let now = self.app.now();
        let ask = someone.postback(&format!("k{number}"), now, "azukari:link");
        let before = self.app.installation().line().sent().len();
        if !self.deliver(channel, &[ask], Bad::default()).await {
            return;
        }
        let Some(address) = self.app.way_to_link(before) else { return };
        let browser = Browser::default();
        let code = self.app.begin_in_chat_of(channel, &browser, &address).await;
        let Some(finish) = self.app.vouch_in(channel, &member(of), &code).await else { return };
        let dialog = self.app.confirm_dialog(&location(&self.app.finish(&browser, &finish).await), &someone);
        let event = self.app.account_link(&dialog, &format!("l{number}"), now);
        // LINE delivers until it is taken.
        if !self.deliver(channel, std::slice::from_ref(&event), bad).await {
            self.deliver(channel, &[event], Bad::default()).await;
        }
        self.model.in_touch(who, now);
    }

    async fn link_by_login(&mut self, who: Who, of: usize, bad: Bad) {
        let (channel, someone) = (CHANNELS[who.channel], self.people[who.person].clone());
        let browser = Browser::default();
        let begun = browser.get(&self.app, &format!("/link/{channel}/login")).await;
        let back = browser.get(&self.app, &self.app.allow(&location(&begun), &someone, &[])).await;
        // Whoever is joined already is told so.
        if back.status == 200 && back.text.contains("すでに連携しています") {
            self.tally.count("logins of somebody who is linked", 1);
            return;
        }
        let on = location(&back);
        let back = self.app.agree_to_join_in(channel, &browser, &on).await;
        let code = parameter(&back, "code").expect("a code");
        let Some(finish) = self.app.vouch_in(channel, &member(of), &code).await else { return };
        if self.stormy_page(bad, self.app.finish(&browser, &finish)).await.is_none_or(|page| page.status >= 500) {
            self.app.finish(&browser, &finish).await;
        }
        self.model.in_touch(who, self.app.now());
    }

    async fn unlink_in_chat(&mut self, number: usize, who: Who, bad: Bad) {
        let someone = self.people[who.person].clone();
        let now = self.app.now();
        let event = someone.postback(&format!("u{number}"), now, "azukari:unlink");
        let taken = self.deliver(CHANNELS[who.channel], std::slice::from_ref(&event), bad).await;
        if !taken {
            self.deliver(CHANNELS[who.channel], &[event], Bad::default()).await;
        }
        self.model.in_touch(who, now);
    }

    /// Once the business was told that it is done, it is.
    async fn unlink_by_business(&mut self, who: Who, of: usize, bad: Bad) -> Result<(), String> {
        let channel = CHANNELS[who.channel];
        let assertion = || self.app.site_assertion(channel, "unlink", Some(&member(of)), None);
        let (first, second) = (assertion(), assertion());
        if self
            .stormy_page(bad, self.app.site_call(channel, "unlink", &first))
            .await
            .is_none_or(|page| page.status != 200)
        {
            let page = self.app.site_call(channel, "unlink", &second).await;
            if page.status != 200 {
                return Err(format!("in calm weather unlinking answers {}: {}", page.status, page.text));
            }
        }
        let status = self.app.site_assertion(channel, "status", Some(&member(of)), None);
        let status = self.app.site_call(channel, "status", &status).await;
        if status.status != 200 || status.json()["linked"] != false {
            return Err(format!("a member who was unlinked is linked: {}", status.text));
        }
        self.no_member_has_two_people()
    }

    async fn stormy_page(&self, bad: Bad, asking: impl Future<Output = Page>) -> Option<Page> {
        self.app.weather(Storm::of(bad));
        let wires = self.app.shared();
        let page = tokio::select! {
            biased;
            () = wires.wires().death() => None,
            page = killed_after(bad.killed_after, asking) => page,
        };
        self.app.weather(Calm);
        page
    }

    /// Whoever a mapping says is joined with a member id is the only one.
    pub(super) fn no_member_has_two_people(&self) -> Result<(), String> {
        let mut people: BTreeMap<(String, String), usize> = BTreeMap::new();
        for row in self.app.rows(Table::Vault) {
            if let (Some(channel), Some(member)) = (channel_of(&row), row["member"]["S"].as_str())
                && row["kind"]["S"] == "mapping"
            {
                *people.entry((channel.to_owned(), member.to_owned())).or_default() += 1;
            }
        }
        match people.into_iter().find(|(_, n)| *n > 1) {
            Some(((channel, _), n)) => Err(format!("{n} people of {channel} are joined with one member id")),
            None => Ok(()),
        }
    }

    /// After everything has ended: whoever is joined has one member id and one look-up that
    /// leads to them, and nobody else has either.
    pub(super) fn links_are_whole(&mut self) -> Result<(), String> {
        self.no_member_has_two_people()?;
        let rows = self.app.rows(Table::Vault);
        let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
        let of_kind = |kind: &str| rows.iter().filter(|row| row["kind"]["S"] == kind).collect::<Vec<_>>();
        let mut joined: Vec<(String, String)> = of_kind("mapping")
            .into_iter()
            .filter_map(|row| {
                Some((text(row, "subject"), format!("{}#{}", channel_of(row)?, row["member"]["S"].as_str()?)))
            })
            .collect();
        let mut linked: Vec<(String, String)> = of_kind("link")
            .into_iter()
            .map(|row| (text(row, "pk").replace("S#", ""), text(row, "sk").replace("M#", "")))
            .collect();
        let mut led: Vec<(String, String)> = of_kind("member")
            .into_iter()
            .map(|row| (text(row, "subject"), text(row, "pk").replace("X#member#", "")))
            .collect();
        for all in [&mut joined, &mut linked, &mut led] {
            all.sort();
        }
        self.tally.count("links at the end", joined.len());
        if joined != linked || joined != led {
            return Err(format!(
                "of {} people who are joined there are {} member ids and {} look-ups, or of others",
                joined.len(),
                linked.len(),
                led.len()
            ));
        }
        Ok(())
    }
}

fn channel_of(row: &Value) -> Option<&str> {
    row["pk"]["S"].as_str()?.strip_prefix("L#")?.split('#').next()
}
