//! A webhook of LINE as it is usually written: the signature is checked, each message is
//! encrypted under one key of the business, and put into one table.

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, Generate, KeyInit},
};
use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, primitives::Blob, types::AttributeValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use lambda_http::{Body, Error, Request, Response, run, service_fn, tracing};
use serde_json::Value;
use sha2::Sha256;

struct Handler {
    client: Client,
    table: String,
    channel_secret: String,
    cipher: Aes256Gcm,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let handler = Handler {
        client: Client::new(&sdk),
        table: std::env::var("TABLE_NAME")?,
        channel_secret: std::env::var("CHANNEL_SECRET")?,
        cipher: Aes256Gcm::new_from_slice(std::env::var("DATA_KEY")?.as_bytes()).expect("a key of 32 bytes"),
    };
    let handler = &handler;
    run(service_fn(move |request: Request| async move { handler.take(request).await })).await
}

impl Handler {
    async fn take(&self, request: Request) -> Result<Response<Body>, Error> {
        let body: &[u8] = match request.body() {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => &[],
        };
        if !self.is_signed(&request, body) {
            return answer(401);
        }
        let webhook: Value = serde_json::from_slice(body)?;
        for event in webhook["events"].as_array().into_iter().flatten() {
            self.store(event).await?;
        }
        answer(200)
    }

    fn is_signed(&self, request: &Request, body: &[u8]) -> bool {
        let signature = request.headers().get("x-line-signature").and_then(|value| STANDARD.decode(value).ok());
        let mut mac =
            <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.channel_secret.as_bytes()).expect("any length");
        mac.update(body);
        signature.is_some_and(|signature| mac.verify_slice(&signature).is_ok())
    }

    async fn store(&self, event: &Value) -> Result<(), Error> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let nonce = Nonce::generate();
        let plain = event["message"].to_string();
        let cipher = self.cipher.encrypt(&nonce, plain.as_bytes()).expect("a message is short");
        self.client
            .put_item()
            .table_name(&self.table)
            .item("pk", AttributeValue::S(format!("S#{}", text(&event["source"]["userId"]))))
            .item("sk", AttributeValue::S(format!("R#{}", text(&event["message"]["id"]))))
            .item("event_at", AttributeValue::N(event["timestamp"].to_string()))
            .item("nonce", AttributeValue::B(Blob::new(nonce.to_vec())))
            .item("content", AttributeValue::B(Blob::new(cipher)))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await?;
        Ok(())
    }
}

fn answer(status: u16) -> Result<Response<Body>, Error> {
    Ok(Response::builder().status(status).body(Body::Empty)?)
}
