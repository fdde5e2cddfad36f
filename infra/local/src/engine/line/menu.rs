//! Rich menus of single users (PLATFORM.md §5.5): which one somebody sees. Which menus
//! there are is not known here.

use serde_json::json;

use crate::engine::{
    line::{Line, api::error, check, faults},
    wire::{Asked, Reply},
};

impl Line {
    /// `POST /v2/bot/user/{userId}/richmenu/{richMenuId}`, and `GET` and `DELETE` without
    /// the id of a menu. It is 200 for users who are no friends, too.
    pub(super) fn menu(&self, channel: &str, asked: &Asked) -> Reply {
        let (method, path, _) = faults::parts(&asked.operation);
        let mut parts = path.split('/').skip(4);
        let user = parts.next().unwrap_or_default();
        let menu = parts.nth(1).unwrap_or_default();
        if !check::is_user_id(user) {
            return error(400, "The value for the 'userId' parameter is invalid");
        }
        let whose = (channel.to_owned(), user.to_owned());
        let mut state = self.state();
        let menus = &mut state.menus;
        match (method, menu) {
            ("GET", _) => match menus.get(&whose) {
                Some(menu) => Reply::of(200, json!({"richMenuId": menu}).to_string()),
                None => error(404, "the user has no richmenu"),
            },
            ("DELETE", _) => {
                menus.remove(&whose);
                Reply::of(200, json!({}).to_string())
            }
            (_, "") => error(404, "Not found"),
            (_, menu) => {
                menus.insert(whose, menu.to_owned());
                Reply::of(200, json!({}).to_string())
            }
        }
    }

    /// The rich menu that a user sees instead of everybody's.
    pub fn rich_menu(&self, channel: &str, user_id: &str) -> Option<String> {
        self.state().menus.get(&(channel.to_owned(), user_id.to_owned())).cloned()
    }
}
