//! How a route comes into the API: never without saying who may use it.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::MethodRouter;
use fleet::access::Permission;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::authorise::authorise;
use super::body::{BODY_LIMIT, BodyLimit};
use super::document;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Anybody, known or not: it tells nothing of anybody's.
    Public,
    /// Who has begun to sign in: it is about that.
    Begun,
    /// Whoever is known: it is about the caller alone.
    Known,
    /// Who has this permission.
    Needs(Permission),
    /// Who has it in the tenant of whoever runs the server: it is about what all
    /// tenants share.
    OfServer(Permission),
}

impl Guard {
    /// The permission that it asks for.
    pub(super) fn permission(self) -> Option<Permission> {
        match self {
            Guard::Public | Guard::Begun | Guard::Known => None,
            Guard::Needs(permission) | Guard::OfServer(permission) => Some(permission),
        }
    }
}

/// The route that answered, with the names of its parameters.
#[derive(Clone, Debug)]
pub(super) struct Route(pub(super) String);

/// Routes with their guards and their part of the OpenAPI document. There is no
/// other way for a route into the API.
pub(crate) struct Routes {
    router: OpenApiRouter,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Routes {
            router: OpenApiRouter::with_openapi(document::empty()),
        }
    }

    /// A handler with its `#[utoipa::path]`, as `routes!(handler)` gives it: one
    /// each, because its guard is that of all that is given.
    #[must_use]
    pub(crate) fn with(self, guard: Guard, routes: UtoipaMethodRouter) -> Self {
        self.with_limit(guard, BODY_LIMIT, routes)
    }

    /// The same for bodies of up to so many octets.
    #[must_use]
    pub(crate) fn with_limit(self, guard: Guard, limit: usize, routes: UtoipaMethodRouter) -> Self {
        let (schemas, mut paths, methods) = routes;
        for (path, item) in &mut paths.paths {
            document::complete(path, item, guard);
        }
        let methods = guarded(guard, limit, methods);
        Routes {
            router: self.router.routes((schemas, paths, methods)),
        }
    }

    /// A route of an API that somebody else defines: it stands in that definition,
    /// not in our document.
    #[must_use]
    pub(crate) fn foreign(self, guard: Guard, path: &str, methods: MethodRouter) -> Self {
        let methods = guarded(guard, BODY_LIMIT, methods);
        Routes {
            router: self.router.route(path, methods),
        }
    }

    /// Something around all of them, and around the decision who may.
    #[must_use]
    pub(crate) fn around<F, A>(self, around: F) -> Self
    where
        F: Fn(Request, Next) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        Routes {
            router: self.router.layer(middleware::from_fn(around)),
        }
    }

    /// A file that anybody may have, and that is no function of the API.
    #[must_use]
    pub(crate) fn with_public_file<H, T>(self, path: &str, file: H) -> Self
    where
        H: Handler<T, ()>,
        T: 'static,
    {
        Routes {
            router: self.router.route(path, axum::routing::get(file)),
        }
    }

    /// All routes of another list.
    #[must_use]
    pub(crate) fn and(self, others: Routes) -> Self {
        Routes {
            router: self.router.merge(others.router),
        }
    }

    /// The same under a prefix.
    #[must_use]
    pub(crate) fn under(self, prefix: &str) -> Self {
        let router = OpenApiRouter::with_openapi(document::empty());
        Routes {
            router: router.nest(prefix, self.router),
        }
    }

    /// What serves them, and the document.
    pub(crate) fn split(self) -> (Router, OpenApi) {
        self.router.split_for_parts()
    }
}

/// Methods of a path behind the decision who may use them.
fn guarded(guard: Guard, limit: usize, methods: MethodRouter) -> MethodRouter {
    methods.route_layer(middleware::from_fn(move |mut request: Request, next| {
        request.extensions_mut().insert(BodyLimit(limit));
        let route = request.extensions().get::<MatchedPath>();
        let route = route.map(|route| Route(route.as_str().to_string()));
        async move {
            let mut response = authorise(guard, request, next).await;
            if let Some(route) = route {
                response.extensions_mut().insert(route);
            }
            response
        }
    }))
}
