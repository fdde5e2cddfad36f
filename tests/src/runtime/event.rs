//! Events as API Gateway and EventBridge hand them to a function.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// A request as an HTTP API hands it on (payload format 2.0): names of headers in lower
/// case, cookies in a list of their own, the body in base64.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let cookies: Vec<&str> = headers.iter().filter(|(name, _)| *name == "cookie").map(|(_, value)| *value).collect();
    let others = headers.iter().filter(|(name, _)| *name != "cookie");
    let others: serde_json::Map<String, Value> =
        others.map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": cookies,
        "headers": others,
        "requestContext": {
            "accountId": "0", "apiId": "a", "domainName": "d", "domainPrefix": "p", "stage": "$default",
            "requestId": "r", "routeKey": "$default", "time": "21/Nov/2026:03:00:00 +0000", "timeEpoch": 0,
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"
            }
        },
        "isBase64Encoded": true,
        "body": STANDARD.encode(body)
    })
}

/// A webhook of LINE.
pub fn webhook(channel: &str, signature: &str, body: &[u8]) -> Value {
    let headers = [("x-line-signature", signature), ("content-type", "application/json; charset=utf-8")];
    request("POST", &format!("/webhook/{channel}"), &headers, body)
}

/// Somebody looks at a page.
pub fn page(path: &str, cookies: &[&str]) -> Value {
    let cookies = cookies.iter().map(|cookie| ("cookie", *cookie));
    let headers: Vec<(&str, &str)> = [("accept-language", "ja")].into_iter().chain(cookies).collect();
    request("GET", path, &headers, b"")
}

/// The schedule's hour has come.
pub fn scheduled() -> Value {
    json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "0", "time": "2026-11-21T03:00:00Z", "region": "local",
        "resources": ["arn:aws:events:local:0:rule/r"], "detail": {}
    })
}
