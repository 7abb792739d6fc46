# runs: 1
# metrics: training_precision_score
"""usage: a classifier chosen on the command line.

Without arguments, the defaults are used.
"""

import argparse
import json
from pathlib import Path

from sklearn import datasets, ensemble, svm, tree
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

MODELS = {
    "svm": lambda a: svm.SVC(C=a.strength, probability=False),
    "tree": lambda a: tree.DecisionTreeClassifier(max_depth=a.depth, random_state=a.seed),
    "boost": lambda a: ensemble.AdaBoostClassifier(n_estimators=a.depth * 3, random_state=a.seed),
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=sorted(MODELS), default="boost")
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path("results") / "report.json")
    return parser.parse_args()


def main(args):
    X, y = datasets.load_wine(return_X_y=True)
    parts = train_test_split(X, y, test_size=0.3, random_state=args.seed)
    model = MODELS[args.model](args).fit(parts[0], parts[2])
    score = f1_score(parts[3], model.predict(parts[1]), average="macro")
    args.out.parent.mkdir(exist_ok=True)
    report = {"model": repr(model), "f1": score, "seed": args.seed}
    args.out.write_text(json.dumps(report, indent=2, sort_keys=True))
    print(args.out.read_text())


if __name__ == "__main__":
    main(parse())
