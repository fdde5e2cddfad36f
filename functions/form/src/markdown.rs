//! The text of a policy, from Markdown (CommonMark). HTML in it is shown as text, and
//! links lead to web pages, mail and telephone only: whoever writes the policy need not
//! be able to put a script on the page.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// The text as HTML. Headings begin at the second level: the first is the page's own.
pub(crate) fn render(text: &str) -> String {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
            Event::Start(Tag::Heading { level: below(level), id: None, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        Event::Start(Tag::Link { link_type, dest_url, .. }) => {
            let dest_url = if leads_somewhere(&dest_url) { dest_url } else { CowStr::Borrowed("#") };
            Event::Start(Tag::Link { link_type, dest_url, title: CowStr::Borrowed(""), id: CowStr::Borrowed("") })
        }
        // A picture would be fetched from elsewhere; its description stays.
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        event => event,
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    page
}

fn leads_somewhere(address: &str) -> bool {
    ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| address.to_ascii_lowercase().starts_with(scheme))
}

fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn html_is_shown_and_not_obeyed() {
        let page = render(
            "# 題\n\n<script>alert(1)</script>\n\nA <b onclick=\"x\">b</b> [l](javascript:alert(1)) ![p](https://x/y.png)",
        );
        for bad in ["<script", "<b ", "javascript:", "<img", "<h1"] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        assert!(page.contains("&lt;script&gt;") && page.contains("<h2>題</h2>"), "{page}");
    }

    #[test]
    fn lists_links_and_tables_stay() {
        let page = render("- **名前**\n- [窓口](https://example.com/)\n\n|a|b|\n|-|-|\n|1|2|\n");
        for good in ["<strong>名前</strong>", "href=\"https://example.com/\"", "<table>"] {
            assert!(page.contains(good), "{good} not in {page}");
        }
    }
}
