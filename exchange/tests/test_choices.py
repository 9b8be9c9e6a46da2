from argparse import ArgumentParser

import pytest

from exchange.flow.options import MarketOptions
from exchange.kinds import EpisodeKind
from exchange.running.choices import add_options, chosen


def parsed(*arguments):
    parser = ArgumentParser()
    add_options(parser)
    return vars(parser.parse_args(arguments))


def test_options_that_were_not_given_stay_as_before():
    before = MarketOptions(informed=0.3, episodes=(EpisodeKind.ICEBERG,))
    assert chosen(parsed(), before) == before
    assert chosen(parsed("--informed", "drawn"), before).episodes == before.episodes
    assert chosen(parsed("--episodes", "none"), before) == MarketOptions(informed=0.3)


def test_kinds_of_episodes_and_the_informed_share_are_chosen():
    options = chosen(parsed("--episodes", "spoofing,layering", "--informed", "0"), MarketOptions())
    assert options.episodes == (EpisodeKind.SPOOFING, EpisodeKind.LAYERING)
    assert options.informed == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--episodes", "pump"), "episodes pump: use spoofing, layering, iceberg"),
        (("--informed", "1"), "'1' is not a share"),
    ],
)
def test_unknown_kinds_and_shares_are_usage_errors(arguments, error, capsys):
    with pytest.raises(SystemExit):
        parsed(*arguments)
    assert error in capsys.readouterr().err
