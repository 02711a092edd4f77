//! The OpenAPI document: what its routes do not say each for itself.

use api::Problem;
use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};

use super::authorise::{ASK_OPERATOR, OF_SERVER};
use super::problem::PROBLEM_JSON;
use super::routes::Guard;

/// Name of the security scheme.
const TOKEN: &str = "token";

/// Problems that are documented once: status, what they say, title, detail,
/// remedy of the example.
const PROBLEMS: [(u16, &str, [&str; 3]); 14] = [
    (
        400,
        "The body is not what it says it is.",
        [
            "malformed",
            "the body is not JSON at line 1 column 18",
            "send one JSON value, in UTF-8",
        ],
    ),
    (
        401,
        "Nobody knows who asks.",
        [
            "unauthorised",
            "no valid token",
            "send `Authorization: Bearer <token>`",
        ],
    ),
    (
        403,
        "Who asks may not.",
        [
            "forbidden",
            "this needs the permission devices:write",
            "ask an administrator for it, or use a key that has it",
        ],
    ),
    (
        404,
        "There is no such thing, or it is not the caller's.",
        [
            "not found",
            "there is no such device",
            "check the EID, or add the device first",
        ],
    ),
    (
        408,
        "The body did not come in time.",
        ["too slow", "the body did not come in time", "send it again"],
    ),
    (
        409,
        "It does not go with what there is, or the same request is being carried out.",
        [
            "exists",
            "an eUICC with this EID exists already",
            "use another",
        ],
    ),
    (
        412,
        "It is not as `If-Match` says.",
        [
            "changed meanwhile",
            "it is not as If-Match says",
            "get it again, look at what changed, and repeat with its ETag",
        ],
    ),
    (
        413,
        "The body is larger than is taken here.",
        [
            "too large",
            "more than 1048576 octets are not taken here",
            "send it in parts",
        ],
    ),
    (
        415,
        "The body is of another type.",
        [
            "unsupported media type",
            "the body is not marked as JSON",
            "send `Content-Type: application/json`",
        ],
    ),
    (
        422,
        "What is asked means nothing, or the `Idempotency-Key` was used for another request.",
        [
            "invalid request",
            "eid: not 32 decimal digits",
            "correct it",
        ],
    ),
    (
        429,
        "The caller has spent what it may ask in a minute.",
        [
            "too many requests",
            "more requests than are allowed in a minute",
            "wait as long as Retry-After says",
        ],
    ),
    (
        500,
        "The server's own fault.",
        [
            "internal error",
            "the server could not do it",
            "try again; the log says more",
        ],
    ),
    (
        503,
        "The server cannot do it for now.",
        [
            "not available",
            "the store does not answer",
            "wait as long as Retry-After says; /readyz says more",
        ],
    ),
    (
        405,
        "The path has other methods: `Allow` says which.",
        [
            "method not allowed",
            "there is no PUT here",
            "use one of those that Allow names",
        ],
    ),
];

/// Tags, in the order in which they are shown.
const TAGS: &[(&str, &str)] = &[
    (
        "access",
        "Who may come in: sessions, users, roles, API keys, tenants.",
    ),
    (
        "devices",
        "Devices whose eUICCs know this eIM, and what is known of them.",
    ),
    (
        "operations",
        "What is to be done on devices, and what came of it.",
    ),
    (
        "profiles",
        "Profiles on devices and in the stock of the SM-DP+.",
    ),
    (
        "activation-codes",
        "Pools of activation codes, and what speaks against a download.",
    ),
    (
        "events",
        "What happens, in a feed without gaps, and webhook endpoints that are told of it.",
    ),
    (
        "imports",
        "Files of devices, in and out; of what comes in all is taken, or nothing.",
    ),
    ("searches", "Searches of devices that have a name."),
    ("tariffs", "What operators bill for octets."),
    ("telemetry", "What devices measure."),
    ("system", "The server itself."),
];

const DESCRIPTION: &str = "What operators, tools and portals say to the server. \
Identifiers are their digits; octets are hexadecimal unless said otherwise; points in time \
are as in RFC 3339, in UTC. Lists come in pages with a `Link` to the next (RFC 8288). Errors \
are problem documents (RFC 9457) with a remedy. A POST with an `Idempotency-Key` is carried \
out once, however often it is repeated within a day.";

/// Paths of functions that are told of something by a parameter or in the body,
/// which may not be there.
const NAMES_ANOTHER: [&str; 4] = [
    "/activation-codes",
    "/devices",
    "/operations",
    "/operations/price",
];

/// A document without routes.
pub(super) fn empty() -> OpenApi {
    OpenApiBuilder::new().build()
}

/// What all routes share, put around them.
pub(super) fn whole(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Simurgh")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ))
        .build();
    let tag = |(name, description): (&str, &str)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    };
    document.tags = Some(TAGS.iter().copied().map(tag).collect());
    let components = document.components.get_or_insert_with(Components::new);
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key, or the token of the file that `door.token` names.",
        ));
    components.security_schemes.insert(
        TOKEN.to_string(),
        RefOr::T(SecurityScheme::Http(scheme.build())),
    );
    for (status, description, texts) in PROBLEMS {
        let response = problem(status, description, texts);
        components
            .responses
            .insert(name(status), RefOr::T(response));
    }
    document
}

fn name(status: u16) -> String {
    format!("Problem{status}")
}

fn problem(status: u16, description: &str, [title, detail, remedy]: [&str; 3]) -> Response {
    let example = super::problem::problem(status, title, detail, remedy);
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .example(serde_json::to_value(example).ok());
    let response = ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, content.build());
    let seconds = HeaderBuilder::new()
        .description(Some("Seconds to wait."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
        .build();
    match status {
        429 | 503 => response.header("Retry-After", seconds).build(),
        _ => response.build(),
    }
}

/// Says of the operations of a path what follows from its guard and its form.
pub(super) fn complete(path: &str, item: &mut PathItem, guard: Guard) {
    let (is_post, changes) = (item.post.is_some(), item.get.is_none());
    for operation in [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
    {
        secure(operation, guard);
        if is_post && is_repeated(guard) {
            let parameters = operation.parameters.get_or_insert_with(Vec::new);
            parameters.push(RefOr::T(idempotency_key()));
        }
        let mut statuses = statuses(path, operation, guard, is_post);
        // Somebody else changed it at the same time, or it is not the time for it.
        statuses.extend((changes && guard != Guard::Public).then_some(409));
        let responses = &mut operation.responses.responses;
        if let Guard::OfServer(_) = guard {
            let texts = ["forbidden", OF_SERVER, ASK_OPERATOR];
            let refused = problem(403, "Who asks may not, or works on another tenant.", texts);
            responses.insert("403".to_string(), RefOr::T(refused));
        }
        for status in statuses {
            let reference = || RefOr::Ref(Ref::from_response_name(name(status)));
            responses
                .entry(status.to_string())
                .or_insert_with(reference);
        }
    }
}

fn secure(operation: &mut Operation, guard: Guard) {
    if guard == Guard::Public {
        operation.security = Some(vec![SecurityRequirement::default()]);
        return;
    }
    let scopes: Vec<String> = guard.permission().iter().map(ToString::to_string).collect();
    if let Some(permission) = scopes.first() {
        let permission = Value::from(permission.as_str());
        let extensions = operation.extensions.get_or_insert_with(Extensions::default);
        extensions.insert("x-permission".to_string(), permission);
    }
    operation.security = Some(vec![SecurityRequirement::new(TOKEN, scopes)]);
}

/// Problems that can come of an operation of this form.
fn statuses(path: &str, operation: &Operation, guard: Guard, is_post: bool) -> Vec<u16> {
    let mut statuses = vec![500];
    if guard != Guard::Public {
        // Forbidden is a tenant out of reach, too, or a session that is not open yet.
        statuses.extend([401, 403, 429, 503]);
    }
    if path.contains('{') || NAMES_ANOTHER.contains(&path) {
        statuses.extend([404, 422]);
    }
    if let Some(parameters) = &operation.parameters {
        statuses.push(422);
        if parameters
            .iter()
            .any(|one| matches!(one, RefOr::T(one) if one.name == "If-Match"))
        {
            statuses.push(412);
        }
    }
    if operation.request_body.is_some() {
        statuses.extend([400, 408, 413, 415, 422]);
    }
    if is_access(operation) {
        statuses.extend([401, 403, 404, 409, 422, 429, 503]);
    }
    if is_post && is_repeated(guard) {
        // The whole body is read for the key.
        statuses.extend([400, 408, 409, 413, 422]);
    }
    statuses
}

/// Whether a POST is carried out once, however often it comes with the same key.
fn is_repeated(guard: Guard) -> bool {
    !matches!(guard, Guard::Public | Guard::Begun)
}

fn is_access(operation: &Operation) -> bool {
    let mut tags = operation.tags.iter().flatten();
    tags.any(|tag| tag == "access")
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .examples([json!("8e03978e-40d5-43dd-bc93-6894a57f9324")]);
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Repeated with the same key within a day, the request is not carried out again but answered as the first time; or with 409 `answer lost`, if the server died between carrying it out and answering.",
        ))
        .schema(Some(schema))
        .build()
}
