//! Tokens of LINE Login: what a code is exchanged for, and what the tokens are good for
//! (PLATFORM.md §3.2, §3.3, §3.5, §5.6).

use std::collections::BTreeSet;

use azukari::domain::time::{DAY_MS, SECOND_MS, UnixMs};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, dangerous::insecure_decode_claims};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::engine::{
    line::{
        Line, LoginChannel,
        access::Code,
        api::error,
        faults::{self, Answer},
        login::{ISSUER, LIFE_S, LoginError},
        parameters::Parameters,
    },
    wire::{Asked, Reply},
};

/// How long a user's access token is good: 30 days.
const USER_MS: i64 = 30 * DAY_MS;
/// How long a stateless channel access token is good: a quarter of an hour.
const CHANNEL_MS: i64 = 900 * SECOND_MS;

/// What an access token of a user is good for.
#[derive(Clone)]
pub(super) struct UserToken {
    client_id: String,
    user: String,
    scopes: BTreeSet<String>,
    expires: UnixMs,
}

/// Whose a channel access token is.
pub(super) struct ChannelToken {
    client_id: String,
    expires: UnixMs,
}

/// An OAuth error: its code, and a description.
type Refusal = (&'static str, &'static str);

/// An error in the form of OAuth (RFC 6749 §5.2).
fn oauth(status: u16, (error, description): Refusal) -> Reply {
    Reply::of(status, json!({"error": error, "error_description": description}).to_string())
}

/// An answer, or a 400.
fn answered(answer: Result<Value, Refusal>) -> Reply {
    match answer {
        Ok(answer) => Reply::of(200, answer.to_string()),
        Err(refusal) => oauth(400, refusal),
    }
}

/// The answer of a token endpoint that was made bad.
pub(super) fn failing(answer: Answer) -> Option<Reply> {
    let (status, error) = match answer {
        Answer::Ok | Answer::Timeout => return None,
        Answer::BadRequest => (400, "invalid_grant"),
        Answer::Unauthorized => (401, "invalid_client"),
        Answer::NotFound => (404, "invalid_request"),
        Answer::Conflict => (409, "invalid_request"),
        Answer::TooManyRequests => (429, "temporarily_unavailable"),
        Answer::InternalError => (500, "server_error"),
    };
    Some(oauth(status, (error, "so it was asked for")))
}

impl Line {
    /// The calls of LINE Login that answer as they should.
    pub(super) fn login_call(&self, asked: &Asked) -> Reply {
        let (method, path, query) = faults::parts(&asked.operation);
        let bearer = asked.bearer.as_deref();
        match (method, path) {
            ("GET", "/oauth2/v2.1/certs") => match self.certs() {
                Ok(keys) => Reply::of(200, keys.to_string()),
                Err(LoginError) => error(500, "Internal server error"),
            },
            ("POST", "/oauth2/v2.1/verify") => answered(self.verified(&Parameters::parse(&asked.body))),
            ("GET", "/oauth2/v2.1/verify") => answered(self.alive(&Parameters::parse(query.as_bytes()))),
            ("POST", "/oauth2/v2.1/revoke") => match self.revoke(&Parameters::parse(&asked.body)) {
                Ok(()) => Reply::of(200, String::new()),
                Err(refusal) => oauth(400, refusal),
            },
            ("GET", "/oauth2/v2.1/userinfo") => match self.bearer(bearer, "openid") {
                Ok(token) => self.userinfo(&token),
                Err(status) => oauth(status, ("invalid_token", "The access token is not good for this.")),
            },
            ("GET", "/v2/profile") => match self.bearer(bearer, "profile") {
                Ok(token) => self.own_profile(&token),
                Err(status) => error(status, "The access token is not good for this."),
            },
            ("GET", "/friendship/v1/status") => match self.bearer(bearer, "profile") {
                Ok(token) => Reply::of(200, json!({"friendFlag": self.is_friend(&token)}).to_string()),
                Err(status) => error(status, "The access token is not good for this."),
            },
            _ => error(404, "Not found"),
        }
    }

    /// `POST /oauth2/v2.1/token` and `POST /oauth2/v3/token`.
    pub(super) fn token(&self, asked: &Asked) -> Reply {
        let (_, path, _) = faults::parts(&asked.operation);
        let form = Parameters::parse(&asked.body);
        if form.repeat() {
            return oauth(400, ("invalid_request", "A parameter is repeated."));
        }
        answered(match (path, form.get("grant_type")) {
            ("/oauth2/v2.1/token", Some("authorization_code")) => self.exchange(&form),
            ("/oauth2/v3/token", Some("client_credentials")) => self.channel_token(&form),
            (_, Some(_)) => Err(("unsupported_grant_type", "The grant type is not supported.")),
            (_, None) => Err(("invalid_request", "grant_type is missing.")),
        })
    }

    fn client(&self, form: &Parameters) -> Result<&LoginChannel, Refusal> {
        let (Some(id), Some(secret)) = (form.get("client_id"), form.get("client_secret")) else {
            return Err(("invalid_request", "client_id and client_secret are necessary."));
        };
        let login = self.login_channel(id).filter(|login| login.secret == secret);
        login.ok_or(("invalid_client", "invalid client_id or client_secret"))
    }

    /// A code for tokens. Whatever comes of it, the code is used up.
    fn exchange(&self, form: &Parameters) -> Result<Value, Refusal> {
        let login = self.client(form)?;
        let (Some(code), Some(redirect_uri)) = (form.get("code"), form.get("redirect_uri")) else {
            return Err(("invalid_request", "code and redirect_uri are necessary."));
        };
        let now = self.now();
        let mut state = self.state();
        let own = state.access.codes.get(code).is_some_and(|known| known.client_id == login.id);
        let code = if own { state.access.codes.remove(code) } else { None };
        drop(state);
        let code = code.filter(|code| now < code.expires).ok_or(("invalid_grant", "invalid authorization code"))?;
        if code.redirect_uri != redirect_uri {
            return Err(("invalid_grant", "redirect_uri does not match"));
        }
        if !is_proven(code.challenge.as_deref(), form.get("code_verifier")) {
            return Err(("invalid_grant", "code_verifier does not match"));
        }
        let scope: Vec<&str> = code.scopes.iter().map(String::as_str).filter(|scope| *scope != "email").collect();
        let access_token = self.random_hex::<32>();
        let mut answer = json!({
            "access_token": access_token,
            "expires_in": USER_MS / SECOND_MS,
            "refresh_token": self.random_hex::<16>(),
            "scope": scope.join(" "),
            "token_type": "Bearer",
        });
        if code.scopes.contains("openid") {
            let id_token = self.web_id_token(login, &code, now);
            answer["id_token"] = json!(id_token.map_err(|LoginError| ("server_error", "The ID token was not made."))?);
        }
        let Code { client_id, user, scopes, .. } = code;
        let token = UserToken { client_id, user, scopes, expires: now.plus(USER_MS) };
        self.state().access.users.insert(access_token, token);
        Ok(answer)
    }

    /// The ID token of web login, signed with the secret of the login channel.
    fn web_id_token(&self, login: &LoginChannel, code: &Code, now: UnixMs) -> Result<String, LoginError> {
        let now = now.seconds();
        let mut claims = json!({
            "iss": ISSUER,
            "sub": code.user,
            "aud": login.id,
            "exp": now + LIFE_S,
            "iat": now,
            "amr": ["linesso"],
        });
        if let Some(nonce) = &code.nonce {
            claims["nonce"] = json!(nonce);
        }
        if let Some(at) = code.auth_time {
            claims["auth_time"] = json!(at);
        }
        if code.scopes.contains("profile") {
            claims["name"] = json!(self.name_of(&code.user));
        }
        let known = self.state().access.profile_plus.get(&code.user).cloned().unwrap_or_default();
        for name in code.scopes.iter().flat_map(|scope| claims_of(scope)) {
            if let Some(value) = known.get(*name) {
                claims[*name] = value.clone();
            }
        }
        let key = EncodingKey::from_secret(login.secret.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|_| LoginError)
    }

    fn channel_token(&self, form: &Parameters) -> Result<Value, Refusal> {
        let login = self.client(form)?;
        let access_token = self.random_hex::<32>();
        let token = ChannelToken { client_id: login.id.clone(), expires: self.now().plus(CHANNEL_MS) };
        self.state().access.channels.insert(access_token.clone(), token);
        Ok(json!({"access_token": access_token, "expires_in": CHANNEL_MS / SECOND_MS, "token_type": "Bearer"}))
    }

    /// The login channel whose token it is.
    pub(super) fn client_of(&self, bearer: &str) -> Option<String> {
        let now = self.now();
        let state = self.state();
        state.access.channels.get(bearer).filter(|token| now < token.expires).map(|token| token.client_id.clone())
    }

    /// What a token of a user is good for, as long as it is.
    fn user_token(&self, token: &str) -> Option<UserToken> {
        let now = self.now();
        self.state().access.users.get(token).filter(|token| now < token.expires).cloned()
    }

    /// The same for a call that needs a scope; otherwise the status of the refusal.
    fn bearer(&self, bearer: Option<&str>, scope: &str) -> Result<UserToken, u16> {
        let token = bearer.and_then(|bearer| self.user_token(bearer)).ok_or(401_u16)?;
        if token.scopes.contains(scope) { Ok(token) } else { Err(403) }
    }

    /// `POST /user/v1/deauthorize` by a login channel: the tokens die, and what the person
    /// has agreed to is gone.
    pub(super) fn deauthorize(&self, client_id: &str, body: &[u8]) -> Reply {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let token = body["userAccessToken"].as_str().and_then(|token| self.user_token(token));
        let Some(UserToken { user, .. }) = token.filter(|token| token.client_id == client_id) else {
            return error(400, "invalid token");
        };
        let mut state = self.state();
        let access = &mut state.access;
        access.users.retain(|_, token| token.user != user || token.client_id != client_id);
        access.codes.retain(|_, code| code.user != user || code.client_id != client_id);
        access.consents.remove(&(user, client_id.to_owned()));
        Reply::of(204, String::new())
    }

    fn revoke(&self, form: &Parameters) -> Result<(), Refusal> {
        let login = self.client(form)?;
        let token = form.get("access_token").ok_or(("invalid_request", "access_token is missing."))?;
        let mut state = self.state();
        let users = &mut state.access.users;
        if users.get(token).is_some_and(|known| known.client_id == login.id) {
            users.remove(token);
        }
        Ok(())
    }

    /// `GET /oauth2/v2.1/verify`: whether an access token is good, and for how long.
    fn alive(&self, query: &Parameters) -> Result<Value, Refusal> {
        let token = query.get("access_token").ok_or(("invalid_request", "access_token is missing."))?;
        let token = self.user_token(token).ok_or(("invalid_request", "access token expired"))?;
        let scope: Vec<&str> = token.scopes.iter().map(String::as_str).filter(|scope| *scope != "email").collect();
        let left = token.expires.since(self.now()) / SECOND_MS;
        Ok(json!({"scope": scope.join(" "), "client_id": token.client_id, "expires_in": left}))
    }

    /// `POST /oauth2/v2.1/verify`: what an ID token says, if it holds.
    fn verified(&self, form: &Parameters) -> Result<Value, Refusal> {
        let no = |description| ("invalid_request", description);
        let (Some(id_token), Some(client_id)) = (form.get("id_token"), form.get("client_id")) else {
            return Err(no("id_token and client_id are necessary."));
        };
        let claims = self.signed(id_token).ok_or(no("Invalid IdToken."))?;
        if claims["iss"] != ISSUER {
            return Err(no("Invalid IdToken Issuer."));
        }
        if claims["exp"].as_i64().is_none_or(|until| until <= self.now().seconds()) {
            return Err(no("IdToken expired."));
        }
        if claims["aud"] != client_id {
            return Err(no("Invalid IdToken Audience."));
        }
        if form.get("nonce").is_some_and(|nonce| claims["nonce"] != nonce) {
            return Err(no("Invalid IdToken Nonce."));
        }
        if form.get("user_id").is_some_and(|user| claims["sub"] != user) {
            return Err(no("Invalid IdToken Subject Identifier."));
        }
        Ok(claims)
    }

    /// The claims of an ID token that was signed here, by web login or by LIFF.
    fn signed(&self, id_token: &str) -> Option<Value> {
        let header = jsonwebtoken::decode_header(id_token).ok()?;
        let key = match header.alg {
            Algorithm::HS256 => {
                let claims: Value = insecure_decode_claims(id_token).ok()?;
                let login = self.login_channel(claims["aud"].as_str()?)?;
                DecodingKey::from_secret(login.secret.as_bytes())
            }
            Algorithm::ES256 => self.login.verifying().ok()?,
            _ => return None,
        };
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        // The library asks the machine's clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode::<Value>(id_token, &key, &validation).ok().map(|token| token.claims)
    }

    fn userinfo(&self, token: &UserToken) -> Reply {
        let mut answer = json!({"sub": token.user});
        if token.scopes.contains("profile") {
            answer["name"] = json!(self.name_of(&token.user));
        }
        Reply::of(200, answer.to_string())
    }

    fn own_profile(&self, token: &UserToken) -> Reply {
        Reply::of(200, json!({"userId": token.user, "displayName": self.name_of(&token.user)}).to_string())
    }

    /// Whether the user has added the account and not blocked it. Of whom there is no phone
    /// here, it is taken that they have, as everywhere in this stand-in.
    fn is_friend(&self, token: &UserToken) -> bool {
        let Some(login) = self.login_channel(&token.client_id) else { return false };
        let state = self.state();
        let mut phones = state.friends.iter().filter(|friend| friend.user_id == token.user).peekable();
        if phones.peek().is_none() {
            return !matches!(state.profiles.get(&token.user), Some(None));
        }
        phones.any(|friend| friend.channel == login.channel && friend.following && !friend.blocked)
    }
}

/// The claims that a scope brings, if LINE knows them.
fn claims_of(scope: &str) -> &'static [&'static str] {
    match scope {
        "email" => &["email"],
        "real_name" => {
            &["family_name", "family_name_pronunciation", "given_name", "given_name_pronunciation", "middle_name"]
        }
        "gender" => &["gender"],
        "birthdate" => &["birthdate"],
        "phone" => &["phone_number"],
        "address" => &["address"],
        _ => &[],
    }
}

/// Proof Key for Code Exchange (RFC 7636), S256: with a challenge a verifier is necessary,
/// and without one there must be none.
fn is_proven(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
            (43..=128).contains(&verifier.len())
                && verifier.bytes().all(unreserved)
                && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}
