"""A request under way: what is known of it, its flow of answers, and the timer that looks after all of them."""
