//! LINE on one machine: the endpoints that the functions call, in the shapes of
//! LINE's OpenAPI (`messaging-api.yml`).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::engine::wire::{Asked, Engine, Reply, Service, Touch};

/// LINE, as far as the functions see it. Its memory ends with the process.
#[derive(Debug, Default)]
pub struct Line {
    profiles: Mutex<HashMap<String, Option<Value>>>,
}

impl Line {
    /// Sets what LINE shows of a user (`UserProfileResponse`), or that it shows
    /// nothing (`None`: blocked, no friend).
    pub fn set_profile(&self, user_id: &str, profile: Option<Value>) {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner).insert(user_id.to_owned(), profile);
    }

    fn profile(&self, user_id: &str) -> Reply {
        let set = self.profiles.lock().unwrap_or_else(PoisonError::into_inner).get(user_id).cloned();
        let usual = || Some(json!({"displayName": "シミュレーターの友だち", "userId": user_id, "language": "ja"}));
        match set.unwrap_or_else(usual) {
            Some(profile) => Reply { status: 200, body: profile.to_string() },
            None => Reply { status: 404, body: json!({"message": "Not found"}).to_string() },
        }
    }
}

impl Engine for Line {
    fn service(&self) -> Service {
        Service::Line
    }

    fn touches(&self, _asked: &Asked) -> Vec<Touch> {
        Vec::new()
    }

    fn answer(&self, asked: &Asked) -> Reply {
        match asked.operation.strip_prefix("GET /v2/bot/profile/") {
            Some(user_id) => self.profile(user_id),
            None => Reply { status: 404, body: json!({"message": "Not found"}).to_string() },
        }
    }

    fn throttled(&self) -> Reply {
        let message = "The API rate limit has been exceeded. Try again later.";
        Reply { status: 429, body: json!({ "message": message }).to_string() }
    }
}
