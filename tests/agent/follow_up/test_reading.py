"""The kinds of answer to a request."""

import pytest

from imagerag.agent.follow_up.reading import FollowUps, standing_of
from imagerag.agent.protocols import Brief, PastImage
from imagerag.errors import UserError
from testing.follow_ups import NAMES, changed, read


def test_a_change_goes_on_from_the_picture_that_stands_not_from_the_last_drawn() -> None:
    history = [
        PastImage("image-1", "a dog", 1, standing=True),
        PastImage("image-2", "a cat", 1, returned=False, standing=False),
    ]
    assert standing_of(history) == history[0]
    assert FollowUps(NAMES).brief("make it red", history) == Brief("a red dog", "image-1")


def test_what_is_not_understood_offers_what_can_be_said_of_this_picture() -> None:
    answer = read("flubber it", "a dog and a cat").answer
    assert "I don't understand 'flubber it'" in answer
    assert '"make the dog blue"' in answer
    assert '"remove the cat"' in answer


@pytest.mark.parametrize(
    "request_", ["put it on the moon", "now make it blue", "again", "go back to the second one", "undo"]
)
def test_what_points_back_at_nothing_is_refused(request_: str) -> None:
    with pytest.raises(UserError, match="this conversation has none"):
        FollowUps(NAMES).brief(request_, [])


@pytest.mark.parametrize("request_", ["a dog", "move", "draw a cat", "thumbs up"])
def test_a_first_request_is_a_picture(request_: str) -> None:
    assert FollowUps(NAMES).brief(request_, []) == Brief(request_)


def test_weather_is_no_picture_that_was_there() -> None:
    assert FollowUps(NAMES).brief("make it rain", []).prompt in ("a rain", "make it rain")


def test_a_polite_first_request_is_the_picture_it_asks_for() -> None:
    assert FollowUps(NAMES).brief("Hello! I would like a picture of a dog, please.", []) == Brief("a dog")


def test_talk_without_a_picture_says_what_to_do() -> None:
    assert "Say what to draw" in FollowUps(NAMES).brief("hi", []).answer


def test_what_the_picture_says_already_is_drawn_anew_and_told() -> None:
    brief = read("the tree should be behind", "a dog in front of a tree")
    assert (brief.prompt, brief.keep_seed) == ("a dog in front of a tree", False)
    assert "says that already" in brief.notes[0]


def test_a_remark_beside_an_order_is_told() -> None:
    brief = read("that's lovely, dear friend. make it red")
    assert brief.prompt == "a red dog"
    assert brief.notes[0] == '"that\'s lovely , dear friend" was taken as a remark, nothing to draw'


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("Good morning. A dog, please.", "a dog"),
        ("a tree and a bird above it", "a bird above a tree"),
    ],
)
def test_a_first_request_is_put_as_a_prompt(request_: str, prompt: str) -> None:
    assert FollowUps(NAMES).brief(request_, []).prompt == prompt


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("the dog flies over the cat", "a dog and a cat", "a cat under a dog"),
        ("same but with two cats", "a dog and a cat", "a dog and two cats"),
        ("try again but with a white dog", "a dog and a cat", "a white dog and a cat"),
        ("a red dog", "a dog and a cat", "a red dog and a cat"),
        ("make it spookier with a black background", "a dog", "a dog on a black background"),
        ("remove the dog and put a lion there instead", "a dog and a cat", "a lion and a cat"),
        ("the dog on a rose, not on a tree", "a dog on a tree", "a dog on a rose"),
        ("add another cat, a blue one", "a dog and a cat", "a dog and a cat and a blue cat"),
        ("make both animals white", "a dog and a cat", "a white dog and a white cat"),
        ("nah, lion", "a dog", "a lion"),
        ("blue sky", "a dog", "a dog on a blue background"),
        ("snowy background", "a dog", "a dog inside a snow"),
        ("give him a green scarf", "a dog wearing a red scarf", "a dog wearing a green scarf"),
        ("add a teddybear", "a dog", "a dog and a teddy bear"),
        ("cut it down to two", "three dogs", "two dogs"),
        ("there's a cat missing, put one next to it", "a dog", "a dog next to a cat"),
        ("add a third animal, a lion", "a dog and a cat", "a dog and a cat and a lion"),
        ("only two dogs", "a red dog and two dogs", "a red dog and a dog"),
        ("the dog should be replaced by a lion", "a dog", "a lion"),
    ],
)
def test_changes_in_many_words(request_: str, prompt: str, result: str) -> None:
    names = NAMES | {"teddy bear"}
    history = [PastImage("image-1", prompt, 1, standing=True)]
    brief = FollowUps(names).brief(request_, history)
    assert (brief.prompt, brief.base, brief.answer) == (result, "image-1", "")


@pytest.mark.parametrize(
    "request_", ["two of flubber", "crop the picture", "too many dogs", "orange background for a three"]
)
def test_no_function_word_becomes_a_thing(request_: str) -> None:
    brief = read(request_, "a dog")
    assert not {"picture", "many", "three", "for", "flubber"} & set(brief.prompt.split())


@pytest.mark.parametrize(
    "request_", ["go back to how it was", "undo that last one", "lol no undo", "put it back as it was"]
)
def test_steps_back_in_many_words(request_: str) -> None:
    assert read(request_, "a red dog", ["a dog"]).step == -1


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("what about an orange instead of the ball", "a dog and an orange"),
        ("turn the ball into an orange", "a dog and an orange"),
        ("make the ball orange", "a dog and an orange ball"),
    ],
)
def test_an_orange_is_no_colour(request_: str, prompt: str) -> None:
    history = [PastImage("image-1", "a dog and a ball", 1)]
    assert FollowUps(NAMES, lambda: ["orange"]).brief(request_, history).prompt == prompt


def test_what_took_the_place_of_another_is_what_is_spoken_of_next() -> None:
    before = ["a tree to the right of a dog"]
    assert changed("I want it purple", "a tree to the right of a cat", before) == "a tree to the right of a purple cat"


@pytest.mark.parametrize("request_", ["no, not the tree, the cat", "one green one red"])
def test_what_says_no_change_draws_nothing(request_: str) -> None:
    brief = read(request_, "a tree to the right of a cat")
    assert brief.declined


def after_declined(declined: str, request: str, prompt: str) -> Brief:
    history = [PastImage("image-1", prompt, 1, standing=True, declined=declined)]
    return FollowUps(NAMES).brief(request, history)


@pytest.mark.parametrize("request_", ["make it red", "remove it", "to the left", "two of them"])
def test_what_was_asked_for_in_vain_is_not_what_stands(request_: str) -> None:
    brief = after_declined("feed him a pizza", request_, "a robot and a moon")
    assert brief.declined
    assert "pizza" in brief.answer


@pytest.mark.parametrize(
    ("declined", "request_", "prompt"),
    [
        ("feed him a pizza", "make the robot red", "a red robot"),
        ("feed him a pizza", "add a pizza", "a robot and a pizza"),
        ("feed him a pizza", "blue background", "a robot on a blue background"),
        ("make it more tuesday", "make it red", "a red robot"),
        ("", "make it red", "a red robot"),
    ],
)
def test_a_request_that_says_what_it_is_about_is_read_after_one_that_was_not(
    declined: str, request_: str, prompt: str
) -> None:
    assert after_declined(declined, request_, "a robot").prompt == prompt


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("make that ball bright red, would you?", "a dog and a ball", "a dog and a red ball"),
        ("the ball's gotta be red", "a dog and a ball", "a dog and a red ball"),
        ("give him a ball to play with pls", "a dog", "a dog with a ball"),
    ],
)
def test_what_is_said_around_a_change_is_left_out(request_: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt) == result


def test_what_was_not_there_is_corrected_to_what_is() -> None:
    assert after_declined("make the teapot gold", "i mean the robot", "a robot").prompt == "a gold robot"
    assert after_declined("make the dog gold", "no, the moon", "a robot").declined


def test_a_picture_that_is_named_does_not_stand_where_the_rest_is_declined() -> None:
    history = [
        PastImage("image-1", "a lion wearing a crown", 1, standing=False),
        PastImage("image-2", "a lion wearing a hat", 2, standing=True, before="image-1"),
    ]
    reader = FollowUps(NAMES)
    declined = reader.brief("go back to the first one and flubber it", history)
    assert (declined.declined, declined.base) == (True, "image-2")
    assert reader.brief("i liked the crown better, bring it back", history).base == "image-1"
    assert reader.brief("go back to the first one without the ball", history).base == "image-1"


@pytest.mark.parametrize(
    ("request_", "prompt", "before", "result"),
    [
        ("no i meant the cat", "a red dog and a cat", "a dog and a cat", "a dog and a red cat"),
        ("no not the dog, the cat", "a red dog and a cat", "a dog and a cat", "a dog and a red cat"),
        ("i said the dog", "a dog and a cat wearing a hat", "a dog and a cat", "a dog wearing a hat and a cat"),
        ("draw a cat as well!", "a dog", "a ball", "a dog and a cat"),
        ("too crowded. just one", "three blue birds", "a bird", "a blue bird"),
        ("and the lion by a frog", "a mouse and a lion", "a dog and a lion", "a mouse and a frog"),
        ("way too big", "a dog and a ball", "a dog", "a dog and a small ball"),
        ("bigger!", "a dog and a ball", "a dog", "a dog and a large ball"),
        ("- the ball", "a dog and a ball", "a dog", "a dog"),
        ("why's it green? make it red", "a dog", "a cat", "a red dog"),
    ],
)
def test_what_is_said_of_the_change_before(request_: str, prompt: str, before: str, result: str) -> None:
    assert changed(request_, prompt, [before]) == result


@pytest.mark.parametrize("request_", ["not that one", "everything but the ball red"])
def test_what_may_mean_another_thing_changes_nothing(request_: str) -> None:
    assert read(request_, "a dog and a ball", ["a dog"]).declined


def test_a_time_of_day_is_read_whatever_the_weather() -> None:
    for said in ("make it a sunny day", "make it sunny", "make it day again"):
        assert read(said, "a dog and a ball").prompt == "a dog and a ball, at daytime"


def test_a_name_alone_after_a_declined_request_is_no_new_picture() -> None:
    assert after_declined("put something warm around him", "a scarf", "a robot").prompt == "a robot wearing a scarf"
    assert after_declined("hmm warmer", "a scarf", "a robot").declined
    assert after_declined("hmm warmer", "now draw a scarf", "a robot").base is None
    assert after_declined("hmm warmer", "an owl in a tree", "a robot").prompt == "an owl in a tree"
    assert after_declined("", "a scarf", "a robot").base is None


@pytest.mark.parametrize("request_", ["no the cat", "no, the cat"])
def test_no_before_the_name_of_a_thing_corrects_and_removes_nothing(request_: str) -> None:
    assert changed(request_, "a red dog and a cat", ["a dog and a cat"]) == "a dog and a red cat"
    assert read(request_, "a dog and a cat").declined


def test_no_verb_and_no_side_becomes_a_part_of_a_name() -> None:
    assert read("the dog breathes balloons", "a cat and a dog").declined
    assert "a rocket" in read("rocket left", "a cat and a dog").prompt


def test_what_all_is_on_stays_in_a_new_place() -> None:
    assert changed("on the beach", "a dog on a boat") == "a dog on a boat on a beach"


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("a camel with a cactus to its right", "a cactus to the right of a camel"),
        ("a mailbox, please, and a letter next to it", "a letter next to a mailbox"),
        ("a circus tent, please, and a ferris wheel", "a circus tent and a ferris wheel"),
        ("a house with a cloud over it", "a cloud above a house"),
        ("a bathtub with a duck in it", "a duck inside a bathtub"),
    ],
)
def test_a_place_beside_what_a_first_request_names_is_said_in_full(request_: str, prompt: str) -> None:
    assert FollowUps(NAMES).brief(request_, []).prompt == prompt


def test_what_is_asked_for_as_well_is_no_new_picture() -> None:
    assert read("could you also give me a hat and a ball", "a dog").base == "image-1"
