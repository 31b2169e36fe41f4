"""`make soak`: the twenty kills at random points, again and again, each time with another seed.

The seed is printed; PAIL_TEST_SEED=… make soak begins with it.
"""

import os
import random

import pytest
from test_resuming import (
    # Collected here as well, with the seeds below.
    test_twenty_kills_of_a_download_fetch_nothing_again_that_is_in_the_journal,  # noqa: F401
    test_twenty_kills_of_an_upload_send_nothing_again_that_arrived,  # noqa: F401
)

pytestmark = pytest.mark.timeout(1200)

ROUNDS = 5
FIRST = int(os.environ.get("PAIL_TEST_SEED") or random.SystemRandom().randrange(1 << 32))


@pytest.fixture(params=[FIRST + number for number in range(ROUNDS)], ids="seed-{}".format)
def chance(request):
    print(f"PAIL_TEST_SEED={request.param}")
    return random.Random(request.param)
