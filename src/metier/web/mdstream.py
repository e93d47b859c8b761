"""Agent text to HTML: Markdown without HTML, whole or while it is being written.

text grows ──▶ finished top-level blocks, each parsed and sent once ──▶ the open end, parsed again now and then

A block is finished when a later block began on a complete line: no further text can change it then. Link definitions
(`[a]: /b`) are off for that reason: they would change blocks above them. Agent text is untrusted (S-54).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]  # untyped options

REFRESH_S = 1 / 15  # the open end is rendered at most this often
CHARS_PER_S = 40_000  # rendered again, and
TOKENS_PER_S = 5_000  # likewise: about a twentieth of one core, so a long open block is refreshed less often
MAX_CODE = 20_000  # characters; longer code is shown without colours

#: Languages that are coloured; an allow-list, because some grammars of Pygments are slow on text made to hurt.
LANGUAGES = frozenset(
    (
        *("bash", "c", "cpp", "csharp", "css", "diff", "go", "html", "ini", "java", "javascript", "js", "json"),
        *("kotlin", "markdown", "md", "php", "py", "python", "ruby", "rust", "sh", "sql", "swift", "toml", "ts"),
        *("tsx", "typescript", "xml", "yaml", "yml"),
    )
)

_INTERNAL = re.compile(r"/(?![/\\])[^\s\\]*\Z")
_OWN_IMAGE = re.compile(r"/files/[^\s\\]*\Z|data:image/(?:png|jpeg|webp);base64,[A-Za-z0-9+/=]*\Z")
_HOST = re.compile(r"[\w.-]+\Z|[0-9a-f:.]+\Z")
_HALF_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*\Z")  # while its address is written, its words show
_SHIFT = 2  # an answer's `# Title` is an h3: the page has the h1, each turn an h2


@dataclass(frozen=True)
class Block:
    """Block number `i` of a text as HTML; an empty `html` takes the block away."""

    i: int
    html: str


class MdStream:
    """Renders one growing text.

    `put` is cheap; `changes` parses, as often as the constants above allow. After `changes(…, final=True)` all
    blocks given so far, put together by number, are equal to `render` of the whole text.
    """

    def __init__(self) -> None:
        self._raw: list[str] = []
        self.length = 0  # characters that came
        self._held = ""  # a carriage return whose line feed may still come
        self._new: list[str] = []
        self._tail = ""  # what is not finished, as of the last parse
        self._blocks: list[str] = []  # HTML as it was last given
        self._finished = 0  # blocks that cannot change any more
        self._dirty = False
        self._next_at = 0.0

    def put(self, text: str) -> None:
        """Add text at the end."""
        self._raw.append(text)
        self.length += len(text)
        whole = self._held + text
        self._held = "\r" if whole.endswith("\r") else ""
        self._new.append(_plain(whole.removesuffix("\r")))
        self._dirty = True

    def cut(self, length: int) -> None:
        """Forget what came after the first `length` characters: the run's new owner writes on from there."""
        kept = "".join(self._raw)[:length]
        self._raw, self._new, self.length = [], [], 0
        self._held = self._tail = ""
        self._finished, self._next_at = 0, 0.0
        self.put(kept)

    def due_in(self, now: float) -> float | None:
        """Give the seconds until `changes` has something to say; None while it has not.

        Args:
            now: A clock's seconds.
        """
        return max(0.0, self._next_at - now) if self._dirty else None

    def changes(self, now: float, *, final: bool = False) -> list[Block]:
        """Give the blocks that are new or differ from what was given before.

        Args:
            now: A clock's seconds.
            final: The text is complete: nothing is held back.
        """
        if final and self._held:
            self._new.append("\n")
            self._held = ""
        elif not final and self.due_in(now) != 0.0:
            return []
        self._tail += "".join(self._new)
        self._new.clear()
        self._dirty = False
        parsed = _parse(self._tail if final else _HALF_LINK.sub(r"\1", self._tail))
        self._next_at = now + max(
            REFRESH_S, len(self._tail) / CHARS_PER_S + sum(b.tokens for b in parsed) / TOKENS_PER_S
        )
        return self._update(parsed)

    def _update(self, parsed: Sequence["_Parsed"]) -> list[Block]:
        first = self._finished
        fresh = [block.html for block in parsed]
        known = self._blocks[first:]
        changed = [Block(first + i, html) for i, html in enumerate(fresh) if i >= len(known) or known[i] != html]
        changed += [Block(first + i, "") for i in range(len(fresh), len(known))]
        self._blocks[first:] = fresh
        self._finish(parsed)
        return changed

    def _finish(self, parsed: Sequence["_Parsed"]) -> None:
        """Let go of the blocks that cannot change any more.

        A last line still being written can yet join the block before it (`2` after the list `1. a`), hence two stay.
        """
        done = len(parsed) - (1 if self._tail.endswith("\n") else 2)
        if done > 0:
            self._tail = _from_line(self._tail, parsed[done].line)
            self._finished += done


@lru_cache(maxsize=512)
def render(text: str) -> tuple[str, ...]:
    """Give the HTML of each top-level block of a whole text."""
    return tuple(block.html for block in _parse(_plain(text)))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _from_line(text: str, line: int) -> str:
    """Give the text from line number `line` (0, 1, …) on."""
    at = 0
    for _ in range(line):
        at = text.index("\n", at) + 1
    return text[at:]


@dataclass(frozen=True)
class _Parsed:
    line: int  # on which the block begins
    html: str
    tokens: int


def _parse(text: str) -> list[_Parsed]:
    """Split text at its top-level tokens and render each block."""
    reader = _markdown()
    blocks: list[_Parsed] = []
    begin = 0
    tokens = reader.parse(text)
    for i, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            whole = tokens[begin : i + 1]
            line = whole[0].map[0] if whole[0].map else 0
            size = sum(1 + len(part.children or ()) for part in whole)
            blocks.append(_Parsed(line, reader.renderer.render(whole, reader.options, {}), size))
            begin = i + 1
    return blocks


@cache
def _markdown() -> "_Markdown":
    reader = _Markdown("js-default", {"html": False}, renderer_cls=_Renderer)
    reader.disable("reference")
    return reader


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's name
        """Let pass what a link or an image may point to; other brackets stay text."""
        return bool(_INTERNAL.match(url) or _OWN_IMAGE.match(url) or url.startswith("mailto:") or _host(url))


def _host(url: str) -> str:
    """Give the host of an http address; nothing for any other text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    return host if _HOST.match(host) else ""


def _tells(said: str, aim: str) -> bool:
    """Say whether a link's words begin with where it leads: not `acme.com` of `acme.company.example`."""
    return said.startswith(aim) and (len(said) == len(aim) or said[len(aim)] in "/?#: ")


class _Renderer(RendererHTML):
    """HTML without style attributes, foreign images or headings above the page's own."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        href = str(tokens[idx].attrGet("href") or "")
        if _INTERNAL.match(href):
            return f'<a href="{escape(href)}">'
        if href.startswith("data:"):
            return "<a>"
        target = ' target="_blank"' if _host(href) else ""
        return f'<a href="{escape(href)}" rel="noopener nofollow"{target}>'

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        begin = next(i for i in range(idx, -1, -1) if tokens[i].type == "link_open")
        href = str(tokens[begin].attrGet("href") or "")
        said = "".join(token.content for token in tokens[begin:idx])
        aim = _host(href) or href.partition("?")[0] * href.startswith("mailto:")
        if not aim or any(_tells(said, one) for one in (href, aim)):
            return "</a>"
        return f'</a><span class="host">{escape(aim)}</span>'

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        source = str(token.attrGet("src") or "")
        words = escape(self.renderInlineAsText(token.children, options, env))
        if _OWN_IMAGE.match(source):
            return f'<img src="{escape(source)}" alt="{words}" loading="lazy">'
        return f'{words}<span class="host">image not shown: {escape(_host(source) or source)}</span>'

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        return code_html(token.content, token.info.strip().partition(" ")[0])

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return code_html(tokens[idx].content)

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<th scope="col"{_alignment(tokens[idx])}>'

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<td{_alignment(tokens[idx])}>"

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<{_lowered(tokens[idx].tag)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"</{_lowered(tokens[idx].tag)}>\n"


def _alignment(token: Token) -> str:
    """Give a column's alignment as a class; markdown-it says it in a style attribute, which the page's CSP refuses."""
    side = str(token.attrGet("style") or "").partition("text-align:")[2]
    return f' class="{side}"' if side in ("right", "center") else ""


def _lowered(tag: str) -> str:
    return f"h{min(6, int(tag[1]) + _SHIFT)}"


def code_html(code: str, language: str = "") -> str:
    """Give code as a block with a Copy button, coloured by classes if the language is known."""
    name = language.lower()
    words = _coloured(code, name) if name in LANGUAGES and len(code) <= MAX_CODE else escape(code)
    return (
        f'<div class="code"><pre class="hl" tabindex="0"><code>{words}</code></pre>'
        '<button class="code-copy" type="button" data-copy aria-label="Copy code">Copy</button></div>\n'
    )


def _coloured(code: str, language: str) -> str:
    form: HtmlFormatter[str] = HtmlFormatter(nowrap=True)
    return highlight(code, _lexer(language), form)


@cache
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False)
