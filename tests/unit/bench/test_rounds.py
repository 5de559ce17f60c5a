from bench.result import Run, at_least, at_most
from bench.rounds import Measurement, alternate, median_of, median_ratio, percentile


def test_subjects_take_turns_in_an_order_that_is_reversed_every_other_round() -> None:
    order: list[str] = []

    def subject(name: str) -> Measurement:
        def measure() -> dict[str, float]:
            order.append(name)
            return {"value": len(order)}

        return measure

    runs = alternate({"a": subject("a"), "b": subject("b")}, rounds=3)

    assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert [(run.subject, run.round) for run in runs] == [("a", 0), ("b", 0), ("b", 1), ("a", 1), ("a", 2), ("b", 2)]


def test_the_warm_up_is_not_among_the_runs() -> None:
    runs = alternate({"a": iter([{"value": 99.0}, {"value": 1.0}, {"value": 2.0}]).__next__}, rounds=2)
    assert [run.values["value"] for run in runs] == [1.0, 2.0]


def test_a_ratio_compares_what_was_measured_in_the_same_round() -> None:
    # The machine became twice as slow with each round; the ratio stays.
    runs = [Run("a", number, {"time": 3.0 * 2**number}) for number in range(3)]
    runs += [Run("b", number, {"time": 2.0 * 2**number}) for number in reversed(range(3))]
    assert median_ratio(runs, "time", of="a", to="b") == 1.5


def test_one_disturbed_round_is_outvoted() -> None:
    runs = [Run("a", number, {"time": time}) for number, time in enumerate((1.0, 50.0, 1.1))]
    assert median_of(runs, "a", "time") == 1.1


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile([7.0], 99) == 7.0


def test_goals_hold_at_their_limit() -> None:
    assert at_least(0.7).is_reached(0.7)
    assert not at_least(0.7).is_reached(0.699)
    assert at_most(25).is_reached(25)
    assert not at_most(25).is_reached(25.1)
