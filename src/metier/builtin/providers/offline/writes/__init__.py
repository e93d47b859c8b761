"""Changes that are asked for in words: what is meant, by which tool, and what came of it.

sentence ─▶ verb ─▶ deed ─▶ names looked up, the person asked ─▶ plan and call, which a person confirms ─▶ what was done
"""
