"""Is this post about us? Before anything else is asked of it.

Names match as whole words of the folded text, handles by their parts (@AcmeSupport speaks to Acme). The brand wins
over a rival named beside it. Own accounts are never relevant: up to 15 % of what a query finds is the brand itself.
Without brand facts every post counts as relevant, because whoever handed it over has already decided.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from connectors.base import TEXT_LIMIT, Mention
from listener.triage.brand import BrandFacts
from rules.reading import NameTable
from rules.steps import Names
from rules.terms import QueryFacts
from rules.words import Words, fold

_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")  # the brand's name inside a link is nobody's word


class Relation(NamedTuple):
    """How a post stands to the brand. `why` names the fact that decided."""

    relevant: bool
    subject: str  # "brand", "rival:<name>", "own", "none"
    addressed: bool
    why: str
    rivals: frozenset[str] = frozenset()  # configured rivals it names


class Relevance:
    """Decides the relation of posts to one brand, or to whichever brand they talk of where `brand` is None."""

    def __init__(self, brand: BrandFacts | None) -> None:
        self._brand = brand
        if brand is None:
            return
        self._ours = NameTable.of((*brand.all_names, *brand.products))
        self._own = frozenset(map(str.casefold, brand.own_accounts))
        handles = [account.partition(":")[2] for account in brand.own_accounts]
        self._handles = frozenset(fold(handle.lstrip("@")) for handle in (*handles, *brand.all_names))
        self._rivals = {
            fold(alias.lstrip("@#")): name for name, aliases in brand.rivals.items() for alias in (name, *aliases)
        }
        names = [name.lstrip("@#") for name in (*brand.all_names, *brand.products)]
        self._glued = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)
        # Of each name its longest word: without one of them `_glued` finds nothing, and costs a hundred times as much.
        self._spelt = frozenset(max(_caseless(name).split() or [""], key=len) for name in names)
        self._names = frozenset(map(fold, brand.all_names))
        self._theirs = NameTable.of(
            tuple(alias for name, aliases in brand.rivals.items() for alias in (name, *aliases))
        )
        self._exclude = NameTable.of(brand.exclude)
        self._context = NameTable.of(brand.context)

    def relate(self, mention: Mention, words: Words, title: Words | None) -> Relation:
        """The relation of one mention; `words` are those of its text, `title` those of its title if it has one."""
        handle_first = bool(words.handles) and words.handles[0].at == 0
        if self._brand is None:
            return Relation(
                True,
                "brand",
                handle_first or mention.in_reply_to_brand is True,
                "no brand configured: every post counts",
            )
        author = mention.author
        if self._own and not self._own.isdisjoint(
            (f"{mention.platform}:{author.handle}".casefold(), f"{mention.platform}:{author.id}".casefold())
        ):
            return Relation(False, "own", False, f"{mention.platform}:{author.handle or author.id} is an own account")
        if self._rivals and (rival := self._rivals.get(fold(author.handle.lstrip("@")))) is not None:
            return Relation(True, f"rival:{rival}", False, f"{author.handle} is {rival}'s own account")
        ours = self._ours.find(words)
        if self._brand.query is not None:
            named = self._brand.query.text if self._brand.query.matches(query_facts(mention)) else ""
        else:
            named = self._named(mention, ours, title)
        rivals: frozenset[str] = frozenset()
        if self._rivals:
            found = [*self._theirs.find(words).named.values()]
            if title is not None:
                found += self._theirs.find(title).named.values()
            if found:
                rivals = frozenset([self._rivals.get(fold(alias.lstrip("@#")), alias) for alias in found])
        said = fold(mention.brand) if mention.brand else ""
        told = bool(said) and said in self._names
        addressed = mention.in_reply_to_brand is True
        if words.handles and not addressed:
            addressed = any(handle.at in ours.handles or fold(handle.name) in self._handles for handle in words.handles)
        addressed = addressed or (told and handle_first)
        if named or told or addressed:
            return self._about_us(words, title, named, told, addressed, rivals)
        if said in self._rivals:
            return Relation(
                True,
                f"rival:{self._rivals[said]}",
                handle_first,
                f"the source says it is about {mention.brand}",
                rivals,
            )
        if rivals:
            rival = min(rivals)
            return Relation(True, f"rival:{rival}", False, f"names {rival}", rivals)
        return Relation(False, "none", False, "names neither the brand nor a rival")

    def _named(self, mention: Mention, ours: Names, title: Words | None) -> str:
        """The name or product that the post holds, as it is written; empty where it holds none."""
        named = next(iter(ours.named.values()), "")
        if not named and title is not None:
            named = next(iter(self._ours.find(title).named.values()), "")
        if not named:
            text = mention.text[:TEXT_LIMIT]
            caseless = _caseless(text)
            if any(word in caseless for word in self._spelt) and (glued := self._glued.search(_ADDRESS.sub(" ", text))):
                named = glued.group()
        return named

    def _about_us(
        self, words: Words, title: Words | None, named: str, told: bool, addressed: bool, rivals: frozenset[str]
    ) -> Relation:
        excluded = self._first(self._exclude, words, title)
        if excluded:
            return Relation(False, "none", False, f"excluded by “{excluded}”", rivals)
        if (
            self._brand is not None
            and self._brand.context
            and not (told or addressed)
            and not self._first(self._context, words, title)
        ):
            return Relation(False, "none", False, f"“{named}” without any of the context words", rivals)
        why = f"names {named}" if named else "speaks to the brand" if addressed else "the source says so"
        return Relation(True, "brand", addressed, why, rivals)

    @staticmethod
    def _first(table: NameTable, words: Words, title: Words | None) -> str:
        for each in (words, title):
            if each is not None and (found := table.find(each).named):
                return next(iter(found.values()))
        return ""


def _caseless(text: str) -> str:
    """Where case is left out as `re.IGNORECASE` does, which takes İ and ı for i."""
    text = text.casefold()
    return text if text.isascii() else text.replace("i\u0307", "i").replace("ı", "i")


def query_facts(mention: Mention) -> QueryFacts:
    """What a query looks at in a post."""
    return QueryFacts(
        text=mention.text[:TEXT_LIMIT],
        title=mention.title,
        author=mention.author.handle,
        url=mention.url,
        lang=mention.lang or "",
    )
