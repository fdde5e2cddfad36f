"""The usual handler once more, with the official SDK for Python, under the Lambda Runtime API."""

import base64
import hashlib
import hmac
import http.client
import json
import os

import boto3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TABLE = os.environ["TABLE_NAME"]
SECRET = os.environ["CHANNEL_SECRET"].encode()
CIPHER = AESGCM(os.environ["DATA_KEY"].encode())
DYNAMODB = boto3.client("dynamodb", region_name=os.environ["AWS_REGION"])


def take(request):
    body = base64.b64decode(request["body"])
    expected = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(expected, request["headers"]["x-line-signature"]):
        return {"statusCode": 401}
    for event in json.loads(body)["events"]:
        nonce = os.urandom(12)
        content = CIPHER.encrypt(nonce, json.dumps(event["message"]).encode(), None)
        DYNAMODB.put_item(
            TableName=TABLE,
            Item={
                "pk": {"S": "S#" + event["source"]["userId"]},
                "sk": {"S": "R#" + event["message"]["id"]},
                "event_at": {"N": str(event["timestamp"])},
                "nonce": {"B": nonce},
                "content": {"B": content},
            },
            ConditionExpression="attribute_not_exists(pk)",
        )
    return {"statusCode": 200}


def main():
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime/invocation"
    while True:
        runtime.request("GET", f"{base}/next")
        invocation = runtime.getresponse()
        request = json.loads(invocation.read())
        answer = json.dumps(take(request)).encode()
        runtime.request("POST", f"{base}/{invocation.headers['lambda-runtime-aws-request-id']}/response", answer)
        runtime.getresponse().read()


main()
