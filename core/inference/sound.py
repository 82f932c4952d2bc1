"""The sound of a video in another container: copied if that supports the codec, else re-encoded."""

from collections.abc import Iterator
from typing import Any

from core.errors import UserError

# Codecs that players expect in a container, and the encoder for sound in any other.
KEPT = {".mp4": ("aac", "mp3"), ".webm": ("opus", "vorbis")}
ENCODERS = {".mp4": "aac", ".webm": "libopus"}
OPUS_RATE = 48_000  # Hz; Opus takes 8, 12, 16, 24 and 48 kHz


class Sound:
    """Writes the first readable audio track of `source` to a stream of `out`, packet by packet."""

    def __init__(self, source: Any, out: Any, suffix: str, label: str) -> None:
        """Raises UserError if there are audio tracks but none can be read."""
        tracks = source.streams.audio
        readable = [track for track in tracks if track.codec_context is not None]
        if tracks and not readable:
            raise UserError(f"The sound of {label} cannot be read: export the video with AAC or MP3 sound.")
        self._packets: Iterator[Any] = iter(())
        self._next: Any = None
        if not readable:
            return
        track = readable[0]
        if track.codec_context.codec.canonical_name in KEPT[suffix]:
            self._packets = _copied(source, track, out.add_stream_from_template(track))
        else:
            self._packets = _encoded(source, track, _stream(out, suffix, track))
        self._out = out

    def write_until(self, seconds: float = float("inf")) -> None:
        """Write the packets up to `seconds`; by default all that remain.

        Interleaving sound with frames spares players seeking through the file.
        """
        while True:
            self._next = self._next or next(self._packets, None)
            if self._next is None or float(self._next.dts * self._next.time_base) > seconds:
                return
            self._out.mux(self._next)
            self._next = None


def _copied(source: Any, track: Any, stream: Any) -> Iterator[Any]:
    for packet in source.demux(track):
        if packet.dts is not None:
            packet.stream = stream
            yield packet


def _stream(out: Any, suffix: str, track: Any) -> Any:
    """A mono or stereo stream: further channels are mixed down."""
    layout = "mono" if track.codec_context.layout.nb_channels == 1 else "stereo"
    rate = OPUS_RATE if suffix == ".webm" else track.codec_context.sample_rate
    return out.add_stream(ENCODERS[suffix], rate=rate, layout=layout)


def _encoded(source: Any, track: Any, stream: Any) -> Iterator[Any]:
    import av

    coder = stream.codec_context
    coder.open(strict=False)
    resampler = av.AudioResampler(coder.format, coder.layout, coder.sample_rate, coder.frame_size)
    for frame in source.decode(track):
        for part in resampler.resample(frame):
            yield from stream.encode(part)
    for part in resampler.resample(None):
        yield from stream.encode(part)
    yield from stream.encode(None)
