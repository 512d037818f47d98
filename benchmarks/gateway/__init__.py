"""The gateway under load: beside nginx, LiteLLM and Rust routers, in one run."""
