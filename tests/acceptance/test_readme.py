"""What the README shows works."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


async def test_the_example_runs_as_printed():
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert code is not None
    names: dict = {}

    exec(compile(code[1], "README.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]

    assert len(tests) == 1
    await tests[0]()


def test_the_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert (README.parent / target).exists(), target
