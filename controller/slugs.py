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
            source = preview.spec.source
            place = (source.repository, source.pull_request, source.branch)
            candidates = slug_candidates(*place)
            if preview.slug in candidates:
                try:
                    self.allocate(preview.key, source_identity(*place), (preview.slug, *candidates))
                except Conflict:
                    continue  # its worker meets the same Conflict, and says so on the object

    def allocate(self, key: PreviewKey, source: str, candidates: tuple[str, ...]) -> str:
        """The slug of a Preview: the one it holds, else a free one; raises Conflict (SourceTaken)."""
        holder = Holder(key, source)
        slug = allocate_slug(candidates, holder, self._held)
        self._held[slug] = holder
        return slug

    def release(self, key: PreviewKey) -> None:
        """Its slug is free again."""
        self._held = {slug: holder for slug, holder in self._held.items() if holder.key != key}
