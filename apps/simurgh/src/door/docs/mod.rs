//! The API as a page: what there is, and a form for each operation. It is the
//! server's own, so that it works where nothing else can be reached.

use axum::response::Response;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};

use super::answer;
use super::routes::Routes;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Nothing from elsewhere, and nothing that came with a text.
const POLICY: &str = "default-src 'none'; connect-src 'self'; script-src 'self'; \
style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Routes {
    Routes::new()
        .with_public_file("/docs", || async { file("text/html; charset=utf-8", PAGE) })
        .with_public_file("/docs/page.css", || async {
            file("text/css; charset=utf-8", STYLE)
        })
        .with_public_file("/docs/page.js", || async {
            file("text/javascript; charset=utf-8", SCRIPT)
        })
}

fn file(content_type: &'static str, text: &str) -> Response {
    let mut response = answer::text(200, content_type, text.as_bytes().to_vec());
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
