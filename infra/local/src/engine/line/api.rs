//! The endpoints, as LINE answers them (PLATFORM.md §5): which one is called, and those of
//! messages and profiles.

use serde_json::{Value, json};

use crate::engine::{
    line::{
        Line, Sent, State, account,
        check::{self, Wrong},
        faults::{self, Answer, Endpoint},
        login::STRANGER,
        token,
    },
    wire::{Asked, Reply},
};

/// An error in LINE's form (`ErrorResponse`).
pub(super) fn error(status: u16, message: &str) -> Reply {
    Reply::of(status, json!({ "message": message }).to_string())
}

fn wrong(wrong: &Wrong) -> Reply {
    let details = json!([{"message": wrong.message, "property": wrong.property}]);
    Reply::of(400, json!({"message": "The request body has 1 error(s)", "details": details}).to_string())
}

impl Line {
    /// Answers a call. Every answer carries the id of the request.
    pub(super) fn call(&self, asked: &Asked) -> Reply {
        let request = format!("{:016x}", self.state().next());
        let mut reply = self.endpoint(asked, &request);
        reply.headers.push(("x-line-request-id", request));
        reply
    }

    fn endpoint(&self, asked: &Asked, request: &str) -> Reply {
        if let Some(call) = account::Call::of(&asked.operation) {
            return match asked.bearer.as_deref().and_then(|token| self.access_tokens.get(token)) {
                Some(channel) => self.account(call, channel, asked),
                None => unauthorized(),
            };
        }
        let Some(endpoint) = faults::endpoint(&asked.operation) else { return self.login_call(asked) };
        let answer = self.faults().of(endpoint);
        let bearer = asked.bearer.as_deref();
        match endpoint {
            Endpoint::Token => token::failing(answer).unwrap_or_else(|| self.token(asked)),
            Endpoint::Deauthorize => match bearer.and_then(|token| self.client_of(token)) {
                Some(client) => failing(answer, request).unwrap_or_else(|| self.deauthorize(&client, &asked.body)),
                None => unauthorized(),
            },
            _ => match bearer.and_then(|token| self.access_tokens.get(token)) {
                Some(channel) => {
                    failing(answer, request).unwrap_or_else(|| self.messaging(endpoint, channel, asked, request))
                }
                None => unauthorized(),
            },
        }
    }

    /// The calls of an account, by its channel.
    fn messaging(&self, endpoint: Endpoint, channel: &str, asked: &Asked, request: &str) -> Reply {
        let (_, path, _) = faults::parts(&asked.operation);
        match endpoint {
            Endpoint::Reply => self.reply(channel, &asked.body),
            Endpoint::Push => self.push(channel, &asked.body, asked.retry_key.as_deref(), request),
            Endpoint::Profile => self.profile(channel, path.rsplit('/').next().unwrap_or_default()),
            Endpoint::LinkToken => self.issue_link_token(channel, path.rsplit('/').nth(1).unwrap_or_default()),
            Endpoint::RichMenu => self.menu(channel, asked),
            Endpoint::Token | Endpoint::Deauthorize => error(404, "Not found"),
        }
    }

    fn profile(&self, channel: &str, user: &str) -> Reply {
        let state = self.state();
        let friend = state.friends.iter().find(|friend| friend.user_id == user && friend.channel == channel);
        let usual = || match friend {
            Some(friend) if friend.blocked || !friend.following => None,
            Some(friend) => Some(json!({"displayName": friend.name, "userId": user, "language": "ja"})),
            None => Some(json!({"displayName": STRANGER, "userId": user, "language": "ja"})),
        };
        match state.profiles.get(user).cloned().unwrap_or_else(usual) {
            Some(profile) => Reply::of(200, profile.to_string()),
            None => error(404, "Not found"),
        }
    }

    fn reply(&self, channel: &str, body: &[u8]) -> Reply {
        let (body, messages) = match check::messages(body) {
            Ok(checked) => checked,
            Err(found) => return wrong(&found),
        };
        let token = body["replyToken"].as_str().unwrap_or_default();
        let mut state = self.state();
        let user = match state.reply_tokens.get_mut(token) {
            Some(right) if !right.used && right.channel == channel => {
                right.used = true;
                right.user.clone()
            }
            _ => return error(400, "Invalid reply token"),
        };
        let sent = self.deliver(&mut state, channel, &user, "reply", messages);
        Reply::of(200, sent.to_string())
    }

    fn push(&self, channel: &str, body: &[u8], retry_key: Option<&str>, request: &str) -> Reply {
        let (body, messages) = match check::messages(body) {
            Ok(checked) => checked,
            Err(found) => return wrong(&found),
        };
        let Some(user) = body["to"].as_str().filter(|to| check::is_user_id(to)) else {
            return error(400, "The property, 'to', in the request body is invalid");
        };
        let mut state = self.state();
        if let Some((accepted, answer)) = retry_key.and_then(|key| state.retry_keys.get(key)) {
            let mut answer = answer.clone();
            answer["message"] = json!("The retry key is already accepted");
            return already_accepted(accepted, &answer);
        }
        let sent = self.deliver(&mut state, channel, user, "push", messages);
        if let Some(key) = retry_key {
            state.retry_keys.insert(key.to_owned(), (request.to_owned(), sent.clone()));
        }
        Reply::of(200, sent.to_string())
    }

    /// Puts messages into a chat and answers with their ids. Who has blocked the account
    /// does not get them, and the account is not told.
    fn deliver(&self, state: &mut State, channel: &str, user: &str, via: &'static str, messages: Vec<Value>) -> Value {
        let ids: Vec<String> = messages.iter().map(|_| state.next().to_string()).collect();
        let now = self.now();
        let friend = state.friends.iter_mut().find(|friend| friend.user_id == user && friend.channel == channel);
        let delivered = friend.as_ref().is_none_or(|friend| !friend.blocked);
        if let Some(friend) = friend {
            friend.receive(&ids, &messages, delivered, now);
        }
        let (channel, to) = (channel.to_owned(), user.to_owned());
        state.sent.push(Sent { at: now, channel, to, via, delivered, messages });
        let sent: Vec<Value> = ids.iter().map(|id| json!({"id": id, "quoteToken": format!("q{id}")})).collect();
        json!({ "sentMessages": sent })
    }
}

/// The answer of an endpoint that was made bad.
fn failing(answer: Answer, request: &str) -> Option<Reply> {
    Some(match answer {
        Answer::Ok | Answer::Timeout => return None,
        Answer::BadRequest => error(400, "Invalid reply token"),
        Answer::Unauthorized => unauthorized(),
        Answer::NotFound => error(404, "Not found"),
        Answer::Conflict => {
            let sent = json!({"message": "The retry key is already accepted", "sentMessages": [{"id": request}]});
            already_accepted(request, &sent)
        }
        Answer::TooManyRequests => error(429, "You have reached your monthly limit."),
        Answer::InternalError => error(500, "Internal server error"),
    })
}

fn unauthorized() -> Reply {
    error(401, "Authentication failed. Confirm that the access token in the authorization header is valid.")
}

fn already_accepted(accepted: &str, body: &Value) -> Reply {
    let mut reply = Reply::of(409, body.to_string());
    reply.headers.push(("x-line-accepted-request-id", accepted.to_owned()));
    reply
}
