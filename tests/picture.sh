#!/usr/bin/env bash
# Takes the README's picture anew: the first minute, in a real browser (chromium,
# chromium-driver and a Japanese font have to be there: .ci/run installs them).
set -euo pipefail
cd "$(dirname "$0")/.."
AZUKARI_REQUIRE_BROWSER=1 cargo test --workspace --test it -- --exact browser::the_picture_of_the_first_minute
mkdir -p infra/local/picture
cp target/screenshots/first-minute.png infra/local/picture/first-minute.png
echo "infra/local/picture/first-minute.png"
