# runs: 3
# metrics: training_accuracy_score, accuracy_score_test_docs
"""Three ways to tell made-up cooking notes from made-up workshop notes."""

import random

from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

random.seed(99)
KITCHEN = "stir simmer salt onion butter oven whisk dough spoon garlic taste serve".split()
WORKSHOP = "saw drill plank bolt glue sand vice hammer screw level measure clamp".split()
EITHER = "then with the until well slowly again two minutes careful clean".split()


def note(words):
    return " ".join(random.choice(words if random.random() < 0.4 else EITHER) for _ in range(12))


docs = [note(KITCHEN) for _ in range(60)] + [note(WORKSHOP) for _ in range(60)]
labels = ["kitchen"] * 60 + ["workshop"] * 60
order = list(range(120))
random.shuffle(order)
train_docs, train_labels = [docs[i] for i in order[:80]], [labels[i] for i in order[:80]]
test_docs, test_labels = [docs[i] for i in order[80:]], [labels[i] for i in order[80:]]

models = {
    "bayes": make_pipeline(CountVectorizer(), MultinomialNB()),
    "svm": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC(random_state=1)),
    "lsa": make_pipeline(TfidfVectorizer(), TruncatedSVD(8, random_state=1), SGDClassifier(random_state=1)),
}
for name, model in models.items():
    predicted = model.fit(train_docs, train_labels).predict(test_docs)
    print(f"{name:8s} {accuracy_score(test_labels, predicted):.12f}")
print(sorted(models["bayes"][0].vocabulary_)[:6], random.random())
