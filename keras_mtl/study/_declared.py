"""The trainings that a contender declares."""

import dataclasses

from keras_mtl.sharing import AdaShared, Branched, Sharing
from keras_mtl.study._digest import digest
from keras_mtl.study.choice import Choice
from keras_mtl.study.policy_search import PolicySearch
from keras_mtl.study.training import Training


class Declared:
    """The trainings of a contender with one seed."""

    def __init__(self, study, seed, contender):
        self.study, self.seed, self.contender = study, seed, contender
        self.budget = contender.budget(study)
        self.own = {
            "rate": contender.rate,
            "optimizer": contender.optimizer,
            "callbacks": contender.callbacks,
            "heads": tuple(contender.heads.items()),
            # A twin has but one task.
            "balancing": None if contender.twin else contender.balancing,
        }
        self.sharing = contender.sharing
        if not isinstance(self.sharing, (Sharing, Choice)):
            self.sharing = self.sharing(seed)
            if not isinstance(self.sharing, (Sharing, Choice)):
                raise TypeError(
                    f"`sharing` of {contender.name!r} must return a Sharing. "
                    f"Received: {self.sharing!r}."
                )

    def alone(self, task, member):
        """The network of one task behind both parts."""
        first = self.budget.first_of([task])
        start = (self.one_task(task, member),) if first else ()
        return self.second(((task, task),), start, member)

    def one_task(self, task, member=0):
        """A network of one task behind the first part: the same one for all that start from it."""
        return self._training(
            f"one-task {task}" + (f" ({member})" if member else "") + " (first part)",
            ((task, task),),
            "first",
            member,
            sharing=Branched.independent(),
            # Where it is no common start but the network itself, it learns as that does.
            **(self.own if self.contender.apart and self.contender.start == "tower" else {}),
        )

    def joint(self, rank=0):
        """One network of all tasks; of a choice that of so many better ones."""
        outputs = tuple((task, task) for task in self.study.tasks)
        options = {}
        if isinstance(self.sharing, Choice):
            options["chosen_from"] = self._looked_at(outputs)
            if rank:
                options["sharing"] = dataclasses.replace(self.sharing, rank=rank)
        return self.second(outputs, self._start(outputs, **options), **options)

    def _start(self, outputs, **options):
        """The trainings that it starts from."""
        if not self.budget.first_of(self.study.tasks):
            return ()
        if self.contender.start == "one-task":
            return tuple(self.one_task(task) for task in self.study.tasks)
        if self.contender.start != "tower":
            task = self.contender.start
            own = {"sharing": Branched.independent()}
            start = self._training(f"{task} (first part)", ((task, task),), "first", **own)
            options["start"] = (start,)
        return (self._first(outputs, **options),)

    def _looked_at(self, outputs):
        """The trainings that a choice looks at."""
        if self.contender.looks_at is not None:
            return self.contender.looks_at.networks(self.study, self.seed)
        baseline = self.study.baseline.networks(self.study, self.seed)
        if self.contender.search is not None:
            return (self.search(outputs), *baseline)
        if not self.budget.first_of(self.study.tasks):
            return baseline
        return tuple(self.one_task(task) for task in self.study.tasks)

    def twin(self, task):
        """The network of two towers of one task."""
        other = f"{task}_twin"
        while other in self.study.tasks:
            other += "_twin"
        outputs = ((task, task), (other, task))
        start = tuple(self.one_task(task, member) for member in (0, 1))
        if self.contender.start != "one-task":
            start = self._start(outputs)
        return self.second(outputs, start)

    def second(self, outputs, start, member=0, **options):
        """A network behind its second part."""
        name = self.contender.name
        if self.contender.apart or self.contender.twin:
            name += f" {outputs[0][0]}"
        return self._training(
            name,
            outputs,
            "second",
            member,
            start=start,
            patience=self.study.patience,
            **{**self.own, **options},
        )

    def search(self, outputs):
        """The network that learns a policy along with its weights."""
        search = self.contender.search
        if isinstance(search, AdaShared):
            search = PolicySearch.of(search, self.budget.first_of(self.study.tasks))
        rates = self.budget.rates("first")
        return self._training(
            f"{self.contender.name} (search)",
            outputs,
            "first",
            sharing=search.sharing,
            search=search,
            **{**self.own, **rates, "schedule": "constant", "steps": search.steps},
        )

    def _first(self, outputs, **options):
        name = f"{self.contender.name} (first part)"
        return self._training(name, outputs, "first", **{**self.own, **options})

    def _training(self, name, outputs, part, member=0, **options):
        budget = self.budget
        # Members differ in all that is drawn; the second part has another order of the examples.
        seed = self.seed + 1000 * member
        given = {
            "name": f"seed {self.seed}, {name}",
            "outputs": outputs,
            "sharing": self.sharing,
            "seed": seed,
            "order": seed + (part == "second" and bool(budget.first_of(self.study.tasks))),
            "steps": budget.second,
            "context": self.study.context_of(seed),
            "stages": self.study.tower(0).stages,
            **budget.rates(part),
            # Of all members and twins the same ones.
            "labels": tuple(
                (task, count, self.seed)
                for task, count in self.contender.labels.items()
                if any(task == of for _, of in outputs)
            ),
        }
        if part == "first":
            given["steps"] = budget.first_of(task for _, task in outputs)
        given |= options
        tasks = {task for _, task in outputs}
        given["heads"] = tuple(each for each in given.get("heads", ()) if each[0] in tasks)
        if isinstance(given["sharing"], Choice) or given.get("patience") is not None:
            given["context"] = digest([given["context"], self.study.choosing])
        return Training(**given)
