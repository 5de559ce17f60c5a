"""HLS playlists (RFC 8216 and its second edition): one noun a file, parse and render of it together.

``playlist.parse_playlist`` reads either kind. Durations and instants are ticks; an absent tag is ``None``; tags this
package does not know are ignored; whatever parses renders, and parses back equal.
"""
