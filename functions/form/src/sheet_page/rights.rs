//! The pages after what somebody asks of what is held about them: what will happen and what
//! stays, asked once more; and what has happened.

use askama::Template;
use azukari::{
    domain::{
        definition::PurposeTerms,
        form::FormDefinition,
        language::Language,
        request::{CLOSED_KEPT_MS, DAYS_TO_ANSWER, RequestKind},
        time::DAY_MS,
    },
    store::Outcome,
};

use super::{Filling, Frame, HiddenShown, InLine, Scripts, input_name, values};
use crate::rights::{carry_out::Done, questions::Wish};

#[derive(Template)]
#[template(path = "rights_confirm.html")]
struct ConfirmPage<'a> {
    frame: Frame<'a>,
    in_line: InLine<'a>,
    language: Language,
    question: String,
    /// What will happen.
    happens: Vec<String>,
    /// What stays as it is.
    stays: Vec<String>,
    /// What was written.
    details: Option<&'a str>,
    hidden: Vec<HiddenShown>,
    yes: &'static str,
}

#[derive(Template)]
#[template(path = "rights_done.html")]
struct DonePage<'a> {
    frame: Frame<'a>,
    language: Language,
    title: &'static str,
    lines: Vec<String>,
    /// The id of the receipt, if there is one.
    receipt: Option<String>,
}

/// What is said of a wish before it is carried out.
struct Said {
    question: String,
    happens: Vec<String>,
    stays: Vec<String>,
    yes: &'static str,
}

/// The page that asks once more. Everything that was chosen comes back with it.
pub(crate) fn confirm(filling: &Filling<'_>, wish: &Wish) -> Result<String, askama::Error> {
    let (form, language) = (filling.form, filling.language);
    let mut hidden = Vec::new();
    for field in form.fields() {
        for part in field.kind.parts() {
            let name = input_name(field, part);
            let given = values(filling.given(field), field, part);
            hidden.extend(given.into_iter().map(|value| HiddenShown { name: name.clone(), value }));
        }
    }
    let Said { question, happens, stays, yes } = said(wish, language);
    let details = match wish {
        Wish::Request(_, details) => details.as_ref().map(|details| details.reveal().as_str()),
        Wish::Erase | Wish::Withdraw(_) => None,
    };
    let page = ConfirmPage {
        frame: Frame::of(form, language, &filling.scripts),
        in_line: filling.in_line(),
        language,
        question,
        happens,
        stays,
        details,
        hidden,
        yes,
    };
    page.render()
}

/// The page after it was carried out.
pub(crate) fn done(
    form: &FormDefinition,
    language: Language,
    done: &Done,
    scripts: &Scripts<'_>,
) -> Result<String, askama::Error> {
    let pick = |ja: &'static str, en: &'static str| language.pick(ja, en);
    let (title, lines) = match done {
        Done::Erasing(_) => (pick("消去を始めました", "The erasure has begun"), vec![
            pick(
                "お預かりしているものを消去しています。数分で読めなくなります。",
                "We are erasing what we hold. In a few minutes it cannot be read any more.",
            )
            .to_owned(),
            pick(
                "進み具合と消去の控えは、下のボタンからいつでも確かめられます。控えにお名前などはないため、番号をなくされると、こちらからはお調べできません。番号か、控えのページのアドレスをお手元に残してください。",
                "See how far it is, and your receipt, by the button below. As the receipt does not say whom it is about, we cannot look it up for you: please keep its number, or the address of its page.",
            )
            .to_owned(),
        ]),
        Done::Withdrawn(terms) => {
            (pick("同意を取り消しました", "Your consent is taken back"), vec![withdrawn(terms, language)])
        }
        Done::Requested(kind, outcome) => {
            let mut lines = vec![answered(language)];
            if *kind == RequestKind::Stop {
                lines.push(restricted(language).to_owned());
            }
            if *outcome == Outcome::Already {
                lines.push(
                    pick(
                        "このお申し出は、先ほど受け付けています。今回の送信では、何も保存していません。",
                        "It had been received before. Nothing was stored this time.",
                    )
                    .to_owned(),
                );
            }
            (pick("お申し出を受け付けました", "Your request is received"), lines)
        }
        Done::NothingHeld => (
            pick("お預かりしているものはありません", "We hold nothing of yours"),
            vec![
                pick(
                    "お預かりしているものはありません。何も保存していません。",
                    "We hold nothing of yours, and have stored nothing now.",
                )
                .to_owned(),
            ],
        ),
    };
    let receipt = match done {
        Done::Erasing(receipt) => Some(receipt.to_string()),
        Done::Withdrawn(_) | Done::Requested(..) | Done::NothingHeld => None,
    };
    DonePage { frame: Frame::of(form, language, scripts), language, title, lines, receipt }.render()
}

fn said(wish: &Wish, language: Language) -> Said {
    let all = |lines: &[(&str, &str)]| lines.iter().map(|(ja, en)| language.pick(ja, en).to_owned()).collect();
    match wish {
        Wish::Erase => Said {
            question: language.pick("すべて消去しますか", "Erase everything?").to_owned(),
            happens: all(&[
                (
                    "お預かりしているものを、すべて消去します。トークのメッセージ、フォームの回答、会員IDとの連携、LINEのユーザーIDが含まれます。",
                    "Everything we hold of yours is erased: chat messages, answers to forms, the link with your membership and your LINE user id among it.",
                ),
                (
                    "はじめに、だれにも開けないようにします。次に鍵を破棄するので、数分で読めなくなります。元に戻すことはできません。",
                    "First it is closed, so that nobody can open it. Then its key is destroyed: in a few minutes it cannot be read any more. It cannot be brought back.",
                ),
                (
                    "進み具合を確かめられる控えをお渡しします。",
                    "You are given a receipt, on which you can see how far it is.",
                ),
            ]),
            stays: all(&[
                (
                    "お使いのスマートフォンのトークは残ります。LINEヤフー株式会社が取り扱うものは、こちらからは消去できません。",
                    "The chat on your phone stays. What LY Corporation handles we cannot erase.",
                ),
                (
                    "消去したという記録は、だれのものか分からない番号と日時だけで残ります。",
                    "That something was erased stays on record, with a number that leads to nobody, and times.",
                ),
            ]),
            yes: language.pick("すべて消去する", "Erase everything"),
        },
        Wish::Withdraw(terms) => {
            let title = language.of_text(&terms.title);
            Said {
                question: match language {
                    Language::Ja => format!("「{title}」への同意を取り消しますか"),
                    Language::En => format!("Take back your consent to: {title}?"),
                },
                happens: all(&[
                    (
                        "この使いみちだけのためにお預かりしたものを消去します。元に戻すことはできません。",
                        "What is kept for this purpose alone is erased. It cannot be brought back.",
                    ),
                    (
                        "もう一度同意されるまで、このためにはお預かりしません。",
                        "Nothing is kept for it until you agree again.",
                    ),
                ]),
                stays: all(&[
                    (
                        "ほかの使いみちのためにお預かりしているものは、そのまま残ります。",
                        "What is kept for other purposes stays as it is.",
                    ),
                    (
                        "同意されたことと、取り消されたことの記録は、お預かりしているものがあるあいだ残ります。",
                        "That you agreed, and took it back, stays on record as long as we hold anything of yours.",
                    ),
                    (
                        "取り消しまでに使ったことは、さかのぼって取り消されません。",
                        "What it was used for until now is not undone.",
                    ),
                ]),
                yes: language.pick("取り消す", "Take it back"),
            }
        }
        Wish::Request(kind, _) => asked_for(*kind, language),
    }
}

fn asked_for(kind: RequestKind, language: Language) -> Said {
    let closed = CLOSED_KEPT_MS / DAY_MS;
    let kept = match language {
        Language::Ja => format!(
            "お書きいただいたことは、お答えするまで封をしてお預かりし、お答えしたら消去します。お申し出があったという記録は、終わってから{closed}日で消去します。"
        ),
        Language::En => format!(
            "What you wrote is kept, sealed, until you are answered, and erased then. That you asked stays on record for {closed} days after it has ended."
        ),
    };
    match kind {
        RequestKind::Correct => Said {
            question: language.pick("訂正・追加・削除を求めますか", "Ask for a correction?").to_owned(),
            happens: vec![answered(language), kept],
            stays: vec![
                language
                    .pick(
                        "お答えするまで、お預かりしているものはそのままです。",
                        "Until you are answered, what we hold stays as it is.",
                    )
                    .to_owned(),
            ],
            yes: language.pick("この内容で求める", "Ask for this"),
        },
        RequestKind::Stop => Said {
            question: language.pick("利用の停止を求めますか", "Ask us to stop the use?").to_owned(),
            happens: vec![restricted(language).to_owned(), answered(language), kept],
            stays: vec![
                language
                    .pick(
                        "お預かりしているものは消去されず、お知らせした期間で消去します。すぐに消去したいときは、「戻る」から「すべて消去する」をお選びください。",
                        "What we hold is not erased now, but at its time. To have it erased at once, go back and choose “Erase everything”.",
                    )
                    .to_owned(),
            ],
            yes: language.pick("停止を求める", "Ask to stop it"),
        },
    }
}

/// When and how a request is answered.
fn answered(language: Language) -> String {
    match language {
        Language::Ja => format!("担当者が確かめ、{DAYS_TO_ANSWER}日以内に、LINEのトークなどでお答えします。"),
        Language::En => format!(
            "Somebody looks into it and answers you within {DAYS_TO_ANSWER} days, in the LINE chat or otherwise."
        ),
    }
}

/// What a request to stop does at once.
fn restricted(language: Language) -> &'static str {
    language.pick(
        "受け付けたときから、お答えする責任者のほかは、お預かりしているものをだれも開けません。",
        "From the moment it is received, nobody can open what we hold but the privacy officer, who answers you.",
    )
}

fn withdrawn(terms: &PurposeTerms, language: Language) -> String {
    let title = language.of_text(&terms.title);
    match language {
        Language::Ja => format!(
            "「{title}」への同意を取り消しました。そのためだけにお預かりしたものを消去します。もう一度同意されるまで、このためにはお預かりしません。"
        ),
        Language::En => format!(
            "Your consent to this is taken back: {title}. What was kept for it alone is erased, and nothing is kept for it until you agree again."
        ),
    }
}
