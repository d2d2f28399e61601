"""One geography: any vintage onto the communes of any reference year, and the perimeters of any year.

Method. INSEE's events between communes (mergers, separations, changes of code) are put in order; a year of
the official geographic code (COG) is the state of its 1 January. Between two years, the content of each
commune follows the events in the order of time, or against it.

- A merger sums. Read backwards it separates, and a separation read backwards sums.
- A separation shares in proportion to the populations of the communes that come out, taken from the nearest
  year, on their side of the event, that has them all (and brought to the event through the mergers between).
- A commune absorbed then restored within the passage gets back exactly what it brought.
- A change of name, or of code, moves nothing.

Limits. A share is an estimate: it supposes that what is counted is spread as inhabitants are, which is rough
for jobs or social housing; results that hold one are flagged. The memory of a merger supposes that a restored
commune has its former limits. Exchanges of parcels between communes that last are in no event and are
ignored: INSEE's former history, until 2017, knows one in the perimeter that moved inhabitants, twelve of
them, between Mazingarbe and Sains-en-Gohelle in 2001. Nothing gives back a median or a rate without its two
terms: these are refused wherever the commune is not the same territory. Events are known up to the year of
their file; later years need lists of communes (``build_history``).
"""

from observatory.geography.aggregation import Aggregated, aggregate
from observatory.geography.history import History, build_history
from observatory.geography.passage import build_passage, check_passage, compose
from observatory.geography.populations import former_by_commune, former_communes, populations_on

__all__ = [
    "Aggregated",
    "History",
    "aggregate",
    "build_history",
    "build_passage",
    "check_passage",
    "compose",
    "former_by_commune",
    "former_communes",
    "populations_on",
]
