"""The invented brand, its six weeks of posts, and the loader that dates them (see `listener.demo.feed`)."""
