"""The ground floor: frozen nouns, pure rules, small protocols. Nothing here reads a clock, a file or a socket."""
