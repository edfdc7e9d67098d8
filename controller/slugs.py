"""Slugs: who holds which, over all Previews. Filled from the annotations at start, asked before every first
side effect.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.api.errors import Conflict
from controller.api.names import Holder, PreviewKey, allocate_slug, slug_candidates, source_identity
from controller.api.preview import Preview


class Slugs:
    """The slugs that are held."""

    def __init__(self) -> None:
        self._held: dict[str, Holder] = {}

    def adopt(self, previews: Iterable[Preview]) -> None:
        """Take over what annotations say, the oldest object first; a slug that a source cannot have is not
        believed.
        """
        for preview in sorted(previews, key=lambda p: (str(p.metadata.creation_timestamp or ""), p.key)):
            if preview.slug in slug_candidates(*_place(preview)):
                try:
                    self.take(preview)
                except Conflict:
                    continue  # its worker meets the same Conflict, and says so on the object

    def take(self, preview: Preview) -> str:
        """The slug of a Preview: the one it holds, else the one its annotation names, where its source may
        have that, else a free one. Previews may be restored one by one while an operator watches.

        Raises:
            Conflict: SourceTaken.
        """
        place = _place(preview)
        candidates = slug_candidates(*place)
        named = (preview.slug,) if preview.slug in candidates else ()
        return self.allocate(preview.key, source_identity(*place), (*named, *candidates))

    def of(self, preview: Preview, *, ending: bool) -> str:
        """The same for one that may be going: one that never had a slug needs none any more, and nothing
        under the first that it could have had is its own.
        """
        try:
            return self.take(preview)
        except Conflict:
            if not ending:
                raise
            return slug_candidates(*_place(preview))[0]

    def allocate(self, key: PreviewKey, source: str, candidates: tuple[str, ...]) -> str:
        """The slug of a Preview: the one it holds, else a free one; raises Conflict (SourceTaken)."""
        holder = Holder(key, source)
        slug = allocate_slug(candidates, holder, self._held)
        self._held[slug] = holder
        return slug

    def release(self, key: PreviewKey) -> None:
        """Its slug is free again."""
        self._held = {slug: holder for slug, holder in self._held.items() if holder.key != key}


def _place(preview: Preview) -> tuple[str, int | None, str | None]:
    source = preview.spec.source
    return source.repository, source.pull_request, source.branch
