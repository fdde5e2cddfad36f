//! What the pages of a form say by themselves: troubles, what the script tells, limits.

use azukari::domain::{
    form::{Field, Kind},
    language::Language,
    time::{DAY_MS, Day, UnixMs},
};

/// Why a form was not taken though nothing may be wrong with the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// What LINE says of the person is too old.
    SignInExpired,
    /// LINE has said nothing of the person.
    SignInMissing,
    /// The notice was shown too long ago, or another version is in force.
    NoticeExpired,
    /// Too many were sent in a short time.
    TooOften,
    /// The person is being erased.
    Erasing,
    /// It cannot be stored now.
    Unavailable,
    /// It is larger than can be stored.
    TooLarge,
}

impl Trouble {
    pub(crate) fn shown(self, language: Language) -> TroubleShown {
        let (code, title, text) = match self {
            Self::SignInExpired => (
                "sign-in-expired",
                language.pick("LINEでの確認の期限が切れました", "Your sign-in with LINE has expired"),
                language.pick(
                    "まだ送られていません。ご記入はそのままです。もう一度ボタンを押してください。くり返しこの表示が出るときは、画面を閉じて、LINEのトークから開き直してください。",
                    "It has not been sent. What you wrote is still here. Please press the button again. If you see this again, please close the page and open it again from the LINE chat.",
                ),
            ),
            Self::SignInMissing => (
                "sign-in-missing",
                language.pick("LINEでの確認ができませんでした", "LINE did not tell us who you are"),
                language.pick(
                    "まだ送られていません。ご記入はそのままです。このフォームは、LINEのトークから開くと送ることができます。",
                    "It has not been sent. What you wrote is still here. The form can be sent when it is opened from the LINE chat.",
                ),
            ),
            Self::NoticeExpired => (
                "notice-expired",
                language.pick("もう一度お読みください", "Please read this once more"),
                language.pick(
                    "まだ送られていません。開いてから時間がたったか、説明が新しくなりました。ご記入と同意の内容をもう一度お確かめのうえ、お送りください。",
                    "It has not been sent. The page was opened a long time ago, or its words have changed since. Please check your answers and what you agree to, and send it again.",
                ),
            ),
            Self::TooOften => (
                "too-often",
                language.pick("少し時間をおいてください", "Please wait a little"),
                language.pick(
                    "短い時間に何度も送られたため、いまは受け付けられません。ご記入はそのままです。しばらくしてから、もう一度お送りください。",
                    "It was sent many times in a short while, so it cannot be taken now. What you wrote is still here. Please try again in a little while.",
                ),
            ),
            Self::Erasing => (
                "erasing",
                language.pick("以前の記録を消去しているところです", "Your earlier records are being erased"),
                language.pick(
                    "消去が終わるまで、新しくお預かりすることができません。ご記入はそのままです。数分たってから、もう一度お送りください。",
                    "Nothing new can be taken until that is done. What you wrote is still here. Please send it again in a few minutes.",
                ),
            ),
            Self::Unavailable => (
                "unavailable",
                language.pick("ただいま受け付けられません", "It cannot be taken now"),
                language.pick(
                    "ご記入はそのままです。しばらくしてから、もう一度お送りください。",
                    "What you wrote is still here. Please send it again in a little while.",
                ),
            ),
            Self::TooLarge => (
                "too-large",
                language.pick("ご記入の量が多すぎます", "There is too much text"),
                language.pick(
                    "まだ送られていません。長い文章を短くしてから、もう一度お送りください。",
                    "It has not been sent. Please make the long answers shorter, and send it again.",
                ),
            ),
        };
        TroubleShown { code, title, text }
    }
}

pub(crate) struct SayShown {
    pub(crate) key: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) struct TroubleShown {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

/// What the script says, by the names of `data-say-…`.
pub(crate) fn says(language: Language) -> Vec<SayShown> {
    let say = |key, ja, en| SayShown { key, text: language.pick(ja, en) };
    vec![
        say(
            "wait",
            "LINEとの接続を準備しています。そのままお待ちください。",
            "Getting ready with LINE. Please wait a moment.",
        ),
        say(
            "checking",
            "確認の画面を開いています。そのままお待ちください。",
            "Opening the next page. Please wait a moment.",
        ),
        say("sending", "送信しています。そのままお待ちください。", "Sending. Please wait a moment."),
        say(
            "outside",
            "LINEの中で開くと送ることができます。上の「LINEで開く」を押してください。",
            "This can be sent when it is open inside LINE. Please use “Open in LINE” above.",
        ),
        say(
            "restored",
            "ページを読み込み直しました。ご記入はそのままです。お確かめのうえ、もう一度ボタンを押してください。",
            "The page was loaded again. What you wrote is still here. Please check it and press the button again.",
        ),
        say(
            "agree-again",
            "同意のチェックは、説明をお読みのうえ、もう一度お願いします。",
            "Please read what you agree to, and tick it again.",
        ),
        say(
            "filled",
            "入力しました：{fields}。内容をお確かめください。",
            "Filled in: {fields}. Please check what it says.",
        ),
        say("filled-kept", "ご記入のままにしました：{fields}。", "Left as you wrote it: {fields}."),
        say(
            "filled-left",
            "空欄のままです：{fields}。お手数ですが、ご記入ください。",
            "Still empty: {fields}. Please fill it in yourself.",
        ),
        say(
            "filled-nothing",
            "LINEから入力できる情報はありませんでした。お手数ですが、ご記入ください。",
            "LINE had nothing to fill in. Please fill it in yourself.",
        ),
        say(
            "filled-failed",
            "LINEのプロフィールを読み取れませんでした。お手数ですが、ご記入ください。",
            "Your LINE profile could not be read. Please fill it in yourself.",
        ),
    ]
}

/// How many places there are to look at again.
pub(crate) fn counted(problems: usize, language: Language) -> String {
    match (language, problems) {
        (Language::Ja, count) => format!("{count}か所、お確かめください"),
        (Language::En, 1) => "Please check one place".to_owned(),
        (Language::En, count) => format!("Please check {count} places"),
    }
}

/// The first and the last day that a date may be.
pub(crate) fn days(field: &Field, today: Day) -> (Option<Day>, Option<Day>) {
    // Days before 1970 are left to the check: a time of ours cannot say them.
    let counted = |days: i32| {
        let at = today.start().get() + i64::from(days) * DAY_MS;
        (at >= 0).then(|| UnixMs::new(at).tokyo_day())
    };
    (field.rules.earliest_days.and_then(counted), field.rules.latest_days.and_then(counted))
}

/// The limits of an answer, in words.
pub(crate) fn limits(field: &Field, today: Day, language: Language) -> Option<String> {
    let rules = &field.rules;
    let (ja, en) = match field.kind {
        Kind::Text | Kind::LongText => {
            let most = rules.max_length?;
            (format!("{most}文字まで"), format!("At most {most} characters"))
        }
        Kind::Number => match (rules.min, rules.max) {
            (Some(min), Some(max)) => (format!("{min}から{max}まで"), format!("From {min} to {max}")),
            (Some(min), None) => (format!("{min}以上"), format!("{min} or more")),
            (None, Some(max)) => (format!("{max}以下"), format!("{max} or less")),
            (None, None) => return None,
        },
        Kind::Choices => match (rules.min, rules.max) {
            (Some(min), Some(max)) if min == max => (format!("{min}個選んでください"), format!("Choose {min}")),
            (Some(min), Some(max)) => {
                (format!("{min}個から{max}個まで選べます"), format!("Choose from {min} to {max}"))
            }
            (Some(min), None) => (format!("{min}個以上選んでください"), format!("Choose at least {min}")),
            (None, Some(max)) => (format!("{max}個まで選べます"), format!("Choose at most {max}")),
            (None, None) => ("いくつでも選べます".to_owned(), "Choose as many as you like".to_owned()),
        },
        Kind::Date => match days(field, today) {
            (Some(first), Some(last)) => {
                (format!("{}から{}まで", in_japanese(first), in_japanese(last)), format!("From {first} to {last}"))
            }
            (Some(first), None) => (format!("{}から", in_japanese(first)), format!("{first} or later")),
            (None, Some(last)) => (format!("{}まで", in_japanese(last)), format!("{last} or earlier")),
            (None, None) => return None,
        },
        _ => return None,
    };
    Some(match language {
        Language::Ja => ja,
        Language::En => en,
    })
}

/// A day as it is written in Japanese.
fn in_japanese(day: Day) -> String {
    let day = day.to_string();
    let mut numbers = day.splitn(3, '-').map(|number| number.trim_start_matches('0'));
    let mut next = || numbers.next().unwrap_or_default();
    format!("{}年{}月{}日", next(), next(), next())
}
