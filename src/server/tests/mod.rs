//! The server as a whole: a gateway on a port of its own, asked over plain sockets.

mod connections;
mod downloads;
mod entry;
mod gateway;
