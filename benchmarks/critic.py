"""The critic against the truth: drawings whose content is known, one question each.

python -m benchmarks.critic [--half dev] [--misses]

The half ``test`` has none of the concepts that the critic was calibrated on; ``dev`` has, and is what wrong answers are
looked at on.
"""

import argparse
from collections import Counter

from benchmarks.truth import questions
from imagerag.agent.registry import load_critic
from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.generators.registry import load_generator


def main() -> None:
    """Print the rows of the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=("dev", "test"), default="test")
    options.add_argument("--misses", action="store_true", help="print every wrong answer")
    chosen = options.parse_args()
    critic = load_critic("clip")
    asked: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    false_yes = false_no = 0
    for question in questions(load_generator("patchwork"), embedded_clip(), Library(), chosen.half):
        score = critic.look_for(question.image, [question.concept])[0]
        asked[question.kind] += 1
        if score["present"] != question.there:
            wrong[question.kind] += 1
            false_yes += score["present"]
            false_no += question.there
            if chosen.misses:
                print(f"{question.kind:24} {question.concept:30} {score['score']:.2f}")
    count = sum(asked.values())
    absent = asked["hallucinated"] + asked["neighbour drawn"]
    right = 1 - sum(wrong.values()) / count
    print(f"critic on {count} drawings of known truth, half {chosen.half}: right on {right:.1%} (wanted >= 92%)")
    print(
        f"  says present where absent {false_yes / absent:.1%}, absent where present {false_no / (count - absent):.1%}"
    )
    for kind in asked:
        print(f"  {kind:24} wrong {wrong[kind]} of {asked[kind]}")


if __name__ == "__main__":
    main()
