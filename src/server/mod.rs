//! Everything that knows axum and HTTP.
