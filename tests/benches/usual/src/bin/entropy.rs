//! What the first random byte costs: with the argument `fill` it is taken, without it is not.
//! Then a byte is written, and the process waits to be measured until its input ends.

use std::io::{Read, Write};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

fn main() {
    if std::env::args().nth(1).as_deref() == Some("fill") {
        SystemRandom::new().fill(&mut [0; 32]).expect("randomness");
    }
    std::io::stdout().write_all(b".").and_then(|()| std::io::stdout().flush()).expect("somebody listens");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end comes");
}
