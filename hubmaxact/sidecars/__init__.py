"""The files beside a report: what every channel, pair and block showed, tied to it by digest."""
