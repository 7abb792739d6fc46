# runs: 1
# metrics: best_cv_score, training_accuracy_score, balanced_accuracy_score_X_test
"""Churn of made-up customers: a column transformer, a pipeline, a search over both."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, classification_report
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.default_rng(17)
n = 400
df = pd.DataFrame(
    {
        "tenure": rng.integers(0, 72, n).astype(float),
        "monthly": rng.normal(65, 20, n),
        "contract": rng.choice(["month", "year", "two years"], n),
        "paperless": rng.choice([True, False], n),
    }
)
df.loc[rng.choice(n, 25, replace=False), "monthly"] = np.nan
odds = 0.04 * (df["monthly"].fillna(65) - 65) - 0.05 * (df["tenure"] - 36) + (df["contract"] == "month")
df["churn"] = (odds + rng.normal(0, 1, n) > 0).map({True: "yes", False: "no"})
print(df.describe(include="all").to_string())

X, y = df.drop(columns="churn"), df["churn"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)

numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
prepare = ColumnTransformer(
    [
        ("num", numbers, ["tenure", "monthly"]),
        ("cat", OneHotEncoder(handle_unknown="ignore"), ["contract", "paperless"]),
    ]
)
clf = Pipeline([("prepare", prepare), ("model", LogisticRegression(max_iter=200))])
print(clf)

search = GridSearchCV(
    clf, {"model__C": [0.05, 0.5, 5.0], "prepare__num__impute__strategy": ["mean", "median"]}, cv=3, scoring="f1_macro"
)
search.fit(X_train, y_train)
print("best:", search.best_params_, search.best_score_)
y_pred = search.predict(X_test)
print("balanced accuracy:", balanced_accuracy_score(y_test, y_pred))
print(classification_report(y_test, y_pred, digits=5))
print(search.best_estimator_[-1].coef_.round(8).tolist())
