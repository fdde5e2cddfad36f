//! What the page of rights asks, as a form that was not written by anybody: so it is shown,
//! checked and put right like every other.

use azukari::{
    domain::{
        definition::{Business, PurposeTerms, Text},
        form::{
            Choice, Field, FormDefinition, Kind, Rules, Section, ShowIf,
            given::{Fault, Given},
            sheet::{self, About, Problem, Sheet},
        },
        id::{DefinitionId, VersionId},
        plain::Plain,
        request::RequestKind,
        time::Day,
    },
    host::published::{self, Channel},
};

use super::FOLDER;

/// The field that says what is asked for.
pub(super) const WHAT: &str = "what";
/// The field that says for which purpose consent is taken back.
pub(super) const PURPOSE: &str = "purpose";
/// The field that says what is to be corrected.
pub(super) const DETAILS: &str = "details";
/// The field that says which use is to be stopped.
pub(super) const STOP_DETAILS: &str = "stop_details";

/// Longest text of a request, in characters.
const MAX_DETAILS: u16 = 2_000;

const ERASE: &str = "erase";
const WITHDRAW: &str = "withdraw";

/// What somebody asks for.
#[derive(Debug)]
pub(crate) enum Wish {
    /// To have everything erased.
    Erase,
    /// To take back the consent to a purpose.
    Withdraw(Box<PurposeTerms>),
    /// To have something corrected, or its use stopped, in these words.
    Request(RequestKind, Option<Plain<String>>),
}

impl Wish {
    /// In one word, for programs and counters.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Erase => ERASE,
            Self::Withdraw(_) => WITHDRAW,
            Self::Request(kind, _) => kind.as_str(),
        }
    }
}

/// The questions of a channel. Their id is none that is minted for a form.
pub(super) fn questions(channel: &Channel, business: Option<&Business>, purposes: &[PurposeTerms]) -> published::Form {
    let definition = FormDefinition {
        name: format!("{FOLDER}{}", channel.name),
        channel: channel.name.to_string(),
        policy: channel.policy.to_string(),
        title: text("個人情報についてのお手続き", "Your rights over your data"),
        description: text(
            "お預かりしているものについて、次のお手続きができます。一つお選びください。",
            "This is what you can ask about what we hold of yours. Please choose one.",
        ),
        business: business.map_or_else(|| text(channel.name.as_str(), channel.name.as_str()), |it| it.name.clone()),
        sections: vec![Section { title: text("", ""), fields: fields(purposes) }],
        purposes: Vec::new(),
        thanks: text("", ""),
        reply: None,
        anonymous: false,
    };
    let id = DefinitionId::new(format!("rights-{}", channel.name));
    published::Form {
        version: VersionId { id, version: channel.policy.version },
        channel: channel.name.clone(),
        policy: channel.policy.clone(),
        definition,
    }
}

/// What is asked for, if nothing is wrong with it.
pub(super) fn wish(
    form: &FormDefinition,
    sheet: &Sheet,
    purposes: &[PurposeTerms],
    today: Day,
) -> Result<Wish, Vec<Problem>> {
    sheet::check(form, sheet, today)?;
    let sheet = sheet::uniform(form, sheet, today);
    let answer = |name: &str| sheet.answers.get(name).map_or("", Given::text);
    let words = |name: &str| Some(answer(name)).filter(|words| !words.is_empty()).map(|it| Plain::new(it.to_owned()));
    let what = answer(WHAT);
    let wish = match RequestKind::parse(what) {
        Some(kind @ RequestKind::Correct) => Some(Wish::Request(kind, words(DETAILS))),
        Some(kind @ RequestKind::Stop) => Some(Wish::Request(kind, words(STOP_DETAILS))),
        None if what == ERASE => Some(Wish::Erase),
        None => {
            let terms = purposes.iter().find(|terms| terms.name == answer(PURPOSE));
            terms.map(|terms| Wish::Withdraw(Box::new(terms.clone())))
        }
    };
    let missing = || Problem {
        about: About::Field(WHAT.to_owned()),
        fault: Fault::new("missing", "選んでください。", "Please choose."),
    };
    wish.ok_or_else(|| vec![missing()])
}

fn fields(purposes: &[PurposeTerms]) -> Vec<Field> {
    let mut choices = vec![choice(
        ERASE,
        "すべて消去する\nお預かりしているものを、すべて消去します。元に戻すことはできません。",
        "Erase everything\nEverything we hold of yours is erased. It cannot be brought back.",
    )];
    if !purposes.is_empty() {
        choices.push(choice(
            WITHDRAW,
            "一つの使いみちへの同意を取り消す\nその使いみちだけのためにお預かりしているものを消去し、これからは使いません。",
            "Take back the consent to one purpose\nWhat we hold for it alone is erased, and nothing more is kept for it.",
        ));
    }
    choices.push(choice(
        RequestKind::Correct.as_str(),
        "訂正・追加・削除を求める\n間違っているところや、足りないところを、直すように求めます。",
        "Have something corrected\nAsk us to correct what is wrong, to add what is missing or to delete what is not true.",
    ));
    choices.push(choice(
        RequestKind::Stop.as_str(),
        "利用の停止を求める\nお預かりしているものを使うのをやめるように求めます。消去はしません。",
        "Have the use stopped\nAsk us to stop using what we hold. It is not erased.",
    ));
    let what = Field {
        required: true,
        rules: Rules { choices, ..Rules::default() },
        ..field(WHAT, Kind::Choice, text("ご希望のお手続き", "What you would like to do"))
    };
    let purpose = Field {
        required: true,
        show_if: only_for(WITHDRAW),
        rules: Rules { choices: purposes.iter().map(purpose_choice).collect(), ..Rules::default() },
        ..field(PURPOSE, Kind::Choice, text("同意を取り消す使いみち", "The purpose to take back"))
    };
    let limits = || Rules { max_length: Some(MAX_DETAILS), ..Rules::default() };
    let details = Field {
        required: true,
        show_if: only_for(RequestKind::Correct.as_str()),
        help: Some(text(
            "何を、どのように直すかをお書きください。封をしてお預かりし、担当者だけが開きます。",
            "Please say what is to be changed, and how. It is sealed, and only whoever answers you opens it.",
        )),
        rules: limits(),
        ..field(DETAILS, Kind::LongText, text("直してほしいこと", "What is to be changed"))
    };
    let stop_details = Field {
        show_if: only_for(RequestKind::Stop.as_str()),
        help: Some(text(
            "止めてほしい使い方や理由がありましたら、お書きください。封をしてお預かりし、担当者だけが開きます。",
            "If you like, say which use is to be stopped, and why. It is sealed, and only whoever answers you opens it.",
        )),
        rules: limits(),
        ..field(STOP_DETAILS, Kind::LongText, text("止めてほしい使い方や理由", "Which use, and why"))
    };
    let mut fields = vec![what];
    if !purposes.is_empty() {
        fields.push(purpose);
    }
    fields.extend([details, stop_details]);
    fields
}

fn field(name: &str, kind: Kind, label: Text) -> Field {
    Field {
        name: name.to_owned(),
        kind,
        label,
        help: None,
        required: false,
        purpose: None,
        sensitive: false,
        lookup: false,
        quick_fill: false,
        starts_retention: false,
        show_if: None,
        rules: Rules::default(),
    }
}

fn only_for(what: &str) -> Option<ShowIf> {
    Some(ShowIf { field: WHAT.to_owned(), any_of: vec![what.to_owned()] })
}

fn choice(id: &str, ja: &str, en: &str) -> Choice {
    Choice { id: id.to_owned(), label: text(ja, en) }
}

fn purpose_choice(terms: &PurposeTerms) -> Choice {
    let (title, kept) = (&terms.title, terms.retention.words());
    let ja = format!("{}\n{}で消去します", title.ja, kept.ja);
    let en = format!("{}\nErased {}", title.en, kept.en);
    choice(&terms.name, &ja, &en)
}

fn text(ja: &str, en: &str) -> Text {
    Text { ja: ja.to_owned(), en: en.to_owned() }
}
