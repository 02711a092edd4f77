//! rsp-net
