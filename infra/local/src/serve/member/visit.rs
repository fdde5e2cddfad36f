//! A request to a site, and what the site does about it.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use azukari::domain::{
    plain::Plain,
    site::{MemberId, Site},
    time::UnixMs,
};
use http::{StatusCode, header};

use super::{
    BROKEN, Coming, Example, MAX_CODE, Sent, Server,
    calls::{Calls, Linking, Refusal},
    members::{MIN_PASSWORD, NotIn, NotUp},
    pages::{self, Doors, Frame, Home, Leave, Left, Line, LinkStanding, NO_CODE, Note, Said, Welcome},
    sessions::{self, Code, Notice, Session},
};

/// A request to a site, in its session.
pub(super) struct Visit<'a> {
    pub(super) server: &'a Server,
    pub(super) example: &'a Example,
    /// The name of the session.
    pub(super) name: String,
    /// Whether the browser has to be told the name.
    pub(super) is_new: bool,
    /// The session as it was when the request came in.
    pub(super) session: Session,
    pub(super) now: UnixMs,
}

impl Visit<'_> {
    /// Comes back from LINE. The state says that this session went there.
    pub(super) async fn come_back(&mut self, coming: Coming) -> Response {
        let expected = self.change(|session| session.state.take());
        if expected.is_none() || expected != coming.state {
            return self.note(StatusCode::BAD_REQUEST, pages::NOT_BEGUN_HERE);
        }
        if let Some(error) = coming.error {
            return self.note(StatusCode::OK, pages::ended(&error));
        }
        // Without a code: the link has been finished, and the first page says how it stands.
        let Some(code) = coming.code.filter(|code| code.len() <= MAX_CODE) else { return self.go("") };
        let known = self.calls().login(&code).await;
        match known {
            Ok(Some(subject)) => self.known_as(&subject).await,
            Ok(None) => {
                self.keep(Code { text: Plain::new(code), since: self.now, state: expected });
                self.go("/line")
            }
            Err(refusal) => self.refused(&refusal, false),
        }
    }

    /// Somebody is linked already: with whom?
    async fn known_as(&mut self, subject: &str) -> Response {
        let here = self.session.member.clone();
        if let Some(here) = &here {
            self.learn(here).await;
        }
        match (self.example.members.of_subject(subject), here) {
            (Some(member), None) => self.enter_as(member, Notice::SignedInWithLine),
            (Some(member), Some(here)) if member == here => {
                self.change(|session| session.notice = Some(Notice::AlreadyLinked));
                self.go("")
            }
            (Some(_), Some(_)) => self.note(StatusCode::CONFLICT, pages::ANOTHER_MEMBERS),
            (None, _) => self.note(StatusCode::CONFLICT, pages::UNKNOWN_HERE),
        }
    }

    pub(super) async fn sign_up(&mut self, sent: &Sent) -> Response {
        let mut doors = Doors { sign_up_id: &sent.id, ..Doors::default() };
        let id = MemberId::parse(&sent.id).ok();
        if id.is_none() {
            doors.find_fault("sign-up-id", pages::ID_RULES);
        }
        if sent.password.reveal().chars().count() < MIN_PASSWORD {
            doors.find_fault("sign-up-password", pages::PASSWORD_RULES);
        }
        if let Some(id) = id
            && doors.problems.is_empty()
        {
            match self.example.members.sign_up(&id, &sent.password).await {
                Ok(()) => return self.enter_as(id, Notice::SignedUp),
                Err(NotUp::Taken) => doors.find_fault("sign-up-id", pages::TAKEN),
                Err(NotUp::Full) => doors.find_fault("sign-up-id", pages::FULL),
            }
        }
        self.doors(StatusCode::UNPROCESSABLE_ENTITY, &doors)
    }

    pub(super) async fn sign_in(&mut self, sent: &Sent) -> Response {
        let mut doors = Doors { sign_in_id: &sent.id, ..Doors::default() };
        // What cannot be a member id is answered like one that is not known.
        let checked = match MemberId::parse(&sent.id) {
            Ok(id) => self.example.members.sign_in(&id, &sent.password, self.now).await.map(|()| id),
            Err(_) => Err(NotIn::Wrong),
        };
        let (status, text) = match checked {
            Ok(id) => return self.enter_as(id, Notice::SignedIn),
            Err(NotIn::Wrong) => (StatusCode::UNPROCESSABLE_ENTITY, pages::WRONG),
            Err(NotIn::Wait) => (StatusCode::TOO_MANY_REQUESTS, pages::WAIT),
        };
        doors.find_fault("sign-in-id", text);
        self.doors(status, &doors)
    }

    pub(super) fn sign_out(&self) -> Response {
        self.example.sessions.end(&self.name);
        self.go("")
    }

    /// Sends the browser to LINE, to sign in or to link: what comes of it is seen on the way
    /// back.
    pub(super) fn with_line(&self) -> Response {
        let state = sessions::token();
        self.change(|session| (session.state, session.code) = (Some(state.clone()), None));
        let Site { name, channel, login_url, return_addresses, .. } = &self.example.site;
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("site", name.as_str())
            .append_pair("return_to", return_addresses.first().unwrap_or(login_url))
            .append_pair("state", &state)
            .finish();
        Redirect::to(&format!("{}/link/{channel}/login?{query}", self.server.public_url)).into_response()
    }

    /// Links the member who is signed in with the person who has come from LINE.
    pub(super) async fn link(&self) -> Response {
        let Some(member) = &self.session.member else { return self.go("/line") };
        let code = self.change(|session| session.code.take());
        let Some(code) = code.filter(|_| self.session.has_code(self.now)) else {
            return self.note(StatusCode::GONE, NO_CODE);
        };
        match self.calls().link(member, code.text.reveal()).await {
            // The last step is the browser's: the one that took the first. The state comes back
            // with it once more.
            Ok(Linking::Continue { url }) if url.starts_with(&format!("{}/", self.server.public_url)) => {
                self.change(|session| (session.state, session.finishing) = (code.state, true));
                Redirect::to(&url).into_response()
            }
            Ok(Linking::Continue { .. }) => self.note(StatusCode::BAD_GATEWAY, pages::ELSEWHERE),
            Err(refusal) => {
                let again = refusal.will_pass();
                if again {
                    self.keep(code);
                }
                self.refused(&refusal, again)
            }
        }
    }

    pub(super) async fn unlink(&self) -> Response {
        let Some(member) = &self.session.member else { return self.go("") };
        match self.calls().unlink(member).await {
            Ok(()) => {
                self.example.members.part(member);
                self.change(|session| session.notice = Some(Notice::Unlinked));
                self.go("")
            }
            Err(refusal) => self.refused(&refusal, false),
        }
    }

    /// Asks whether a member means to leave.
    pub(super) fn ask_to_leave(&self) -> Response {
        let Some(member) = &self.session.member else { return self.go("") };
        let member = member.plain().reveal().as_str();
        self.page(StatusCode::OK, &Leave { frame: self.frame(), member })
    }

    /// A member leaves, and what they have left by LINE is erased. The site forgets them once
    /// that is on its way: had it failed, nobody could ask for it any more.
    pub(super) async fn leave(&self) -> Response {
        let Some(member) = &self.session.member else { return self.go("") };
        match self.calls().erase(member).await {
            Ok(receipt) => {
                self.example.members.leave(member);
                self.example.sessions.end(&self.name);
                // An address of another server is not shown.
                let own = format!("{}/", self.server.public_url);
                let receipt = receipt.as_deref().filter(|receipt| receipt.starts_with(&own));
                self.page(StatusCode::OK, &Left { frame: self.frame(), receipt })
            }
            Err(refusal) => self.refused(&refusal, false),
        }
    }

    /// The page of a member.
    pub(super) async fn member_home(&self, member: &MemberId) -> Response {
        let standing = self.learn(member).await;
        if standing == LinkStanding::Linked && self.change(|session| std::mem::take(&mut session.finishing)) {
            self.change(|session| session.notice = Some(Notice::Linked));
        }
        let member = member.plain().reveal().as_str();
        self.page(StatusCode::OK, &Home { frame: self.frame(), notice: self.notice(), member, standing })
    }

    /// Asks whether a member is linked: links are made and undone in the chat, too.
    async fn learn(&self, member: &MemberId) -> LinkStanding {
        let members = &self.example.members;
        match self.calls().status(member).await {
            Ok(standing) if standing.linked => {
                if let Some(subject) = &standing.subject {
                    members.join(member, subject);
                }
                LinkStanding::Linked
            }
            Ok(_) => {
                members.part(member);
                LinkStanding::NotLinked
            }
            Err(_) => LinkStanding::Unknown,
        }
    }

    /// The page that asks who is to be linked.
    pub(super) fn who(&self, status: StatusCode, doors: &Doors<'_>) -> Response {
        let member = self.session.member.as_ref().map(|member| member.plain().reveal().as_str());
        self.page(status, &Line { frame: self.frame(), notice: self.notice(), member, doors })
    }

    /// The page with the forms to sign in or up, again.
    fn doors(&self, status: StatusCode, doors: &Doors<'_>) -> Response {
        if self.session.has_code(self.now) {
            self.who(status, doors)
        } else {
            self.page(status, &Welcome { frame: self.frame(), doors })
        }
    }

    /// Signs somebody in, in a new session, and goes on with what they came for.
    fn enter_as(&mut self, member: MemberId, notice: Notice) -> Response {
        self.name = self.example.sessions.renew(&self.name, member, notice, self.now);
        self.is_new = true;
        self.go(if self.session.has_code(self.now) { "/line" } else { "" })
    }

    fn refused(&self, refusal: &Refusal, again: bool) -> Response {
        let text = pages::words(&refusal.ja, &refusal.en);
        let said = Said { title: pages::REFUSED, text, next: pages::after(&refusal.code) };
        self.page(refusal.status, &Note { frame: self.frame(), said, code: &refusal.code, again })
    }

    pub(super) fn note(&self, status: StatusCode, said: Said<'_>) -> Response {
        self.page(status, &Note { frame: self.frame(), said, code: "", again: false })
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        Frame { title: &self.example.site.title, home: &self.example.path, csrf: &self.session.csrf }
    }

    /// What the page is to say, once.
    fn notice(&self) -> Option<pages::Words<'static>> {
        self.change(|session| session.notice.take()).map(pages::told)
    }

    /// Keeps a code. A page that was open before is not to link with it: its forms are no
    /// longer taken.
    pub(super) fn keep(&self, code: Code) {
        self.change(|session| (session.code, session.csrf) = (Some(code), sessions::token()));
    }

    fn change<T: Default>(&self, change: impl FnOnce(&mut Session) -> T) -> T {
        self.example.sessions.change(&self.name, change).unwrap_or_default()
    }

    fn calls(&self) -> Calls<'_> {
        Calls {
            functions: &self.server.local.functions,
            key: self.server.local.installation.site_key(),
            site: &self.example.site,
            public_url: &self.server.public_url,
            now: self.now,
        }
    }

    /// To a page of this site.
    pub(super) fn go(&self, path: &str) -> Response {
        Redirect::to(&format!("{}{path}", self.example.path)).into_response()
    }

    /// Answers with a page. Its address goes to this server alone: without any, a browser
    /// would not say where a form comes from.
    pub(super) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(page) = page.render() else { return BROKEN.into_response() };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, self.server.content_policy.as_str()),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "same-origin"),
        ];
        (status, headers, Html(page)).into_response()
    }

    /// The answer, with the name of the session if the browser does not know it yet.
    pub(super) fn answer(&self, page: Response) -> Response {
        if !self.is_new {
            return page;
        }
        let cookie = sessions::cookie(self.example.site.channel.as_str(), &self.name);
        ([(header::SET_COOKIE, cookie)], page).into_response()
    }
}
