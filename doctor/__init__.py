"""What ``imagerag doctor`` checks: whether a profile's parts are there, without drawing, downloading or writing.

One module per kind of check; each returns findings, whose lines say what is amiss and what mends it.
"""

from imagerag.doctor.examine import Examination, examine
from imagerag.doctor.finding import Finding

__all__ = ["Examination", "Finding", "examine"]
