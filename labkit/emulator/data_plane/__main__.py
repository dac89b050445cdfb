"""The data process: ``python -m labkit.emulator.data_plane FD``, started by the handle."""

import signal
import sys

from labkit.emulator.data_plane.process import serve

# Ctrl-C goes to the control process, which ends us in its own time by closing the channel.
signal.signal(signal.SIGINT, signal.SIG_IGN)
serve(int(sys.argv[1]))
