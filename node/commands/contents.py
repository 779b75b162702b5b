"""The commands of `cxr`, in sections: where each is, and the first sentence of its help."""

_FIRST = {
    "demo": (
        "node.commands.demo:demo",
        "Send a chest radiograph through a node on this machine and show what the PACS gets back.",
    ),
    "rehearse": (
        "node.commands.rehearse:rehearse",
        "Rehearse the whole cycle: a synthetic department sends images and reports, a model learns of them and reads.",
    ),
    "version": ("node.commands.version:version", "Print the version."),
}
_RUNNING = {
    "serve": ("node.commands.serve:serve", "Run the node until it is told to stop (Ctrl-C or SIGTERM)."),
    "migrate": ("node.commands.migrate:migrate", "Bring the database to the schema this version needs."),
    "status": (
        "node.commands.status:status",
        "Show how much there is in each state, what is not mined yet, the model in service and the room on the disk.",
    ),
    "callers": (
        "node.commands.callers:callers",
        "Show who may send to the node, who sent the last images, and who was turned away lately.",
    ),
    "config": ("node.commands.config:config_app", "The settings in force."),
    "conformance": (
        "node.commands.conformance:conformance",
        "Write the conformance statement of this node, DICOM and HL7, as Markdown: of its version and its settings.",
    ),
    "jobs": ("node.commands.jobs:list_jobs", "List jobs, the newest first; one that went wrong says why."),
    "retry": ("node.commands.jobs:retry", "Queue a failed or dead job again."),
}
_IMAGES = {
    "studies": (
        "node.commands.studies:studies_app",
        "What has arrived, and what became of it; without a further word studies are listed.",
    ),
    "instances": (
        "node.commands.instances:instances",
        "List stored instances, the newest first; one that is not read says why.",
    ),
    "results": (
        "node.commands.results:results_app",
        "The result objects that were built, and taking them back; without a further word they are listed.",
    ),
    "destinations": ("node.commands.destinations:destinations_app", "Where results go: look, and try."),
    "replay": (
        "node.commands.replay:replay",
        "Build the results of a study again, by the same model of the same images, and compare them byte for byte.",
    ),
    "pull": (
        "node.commands.pull:pull",
        "Bring images in from an archive of [[sources]]: by C-GET, C-MOVE to the running node, or DICOMweb.",
    ),
    "import": ("node.commands.collection:import_app", "Bring in images from before the node, or a public set."),
    "predict": (
        "node.commands.predict:predict",
        "Read image files: probabilities, operating points and boxes of each finding.",
    ),
}
_REPORTS = {
    "reports": ("node.commands.reports:reports_app", "The radiologists' reports, and the labels mined from reports."),
    "labels": ("node.commands.labels:labels_app", "The labels that reports and people gave: look, count, correct."),
    "lexicon": ("node.commands.lexicon:lexicon_app", "Trials of another lexicon or other rules: look, stop."),
    "discrepancies": ("node.commands.discrepancies:discrepancies_app", "Where model and reports differ: look, judge."),
    "agreement": (
        "node.commands.agreement:agreement",
        "Show kappa, PPV and sensitivity of each finding against the reports, with 95 % intervals.",
    ),
}
_MODELS = {
    "models": ("node.commands.models:models_app", "The models this node knows."),
    "snapshot": ("node.commands.snapshot:snapshot_app", "Images, labels and split to train on: make, list, look."),
    "train": (
        "node.commands.train:train",
        "Train a model from a snapshot, measure it and write it as a bundle; the model that reads is not touched.",
    ),
    "trainings": ("node.commands.trainings:trainings_app", "Trainings that the node runs: look, start, stop, go on."),
    "sweep": (
        "node.commands.sweep:sweep",
        "Train with each pooling or each loss of the paper, alike in all else, and compare (its Figure 6).",
    ),
    "evaluate": (
        "node.commands.evaluate:evaluate",
        "Measure a model on the test patients of a snapshot: Table 3 beside the paper's, operating points, Table 4.",
    ),
}
_SAFE = {
    "verify": (
        "node.commands.verify:verify",
        "Check every stored image and result against its size and SHA-256, and the database's own structure.",
    ),
    "accept-loss": (
        "node.commands.loss:accept_loss",
        "Accept that damaged or missing files are lost: `cxr verify` counts them and fails of them no more.",
    ),
    "backup": (
        "node.commands.backup:backup",
        "Back up the node, running or not: database, stored files, models, snapshots and the secret of pseudonyms.",
    ),
    "restore": (
        "node.commands.backup:restore",
        "Make a node of a backup, in an empty data folder; or only check the backup.",
    ),
    "retention": (
        "node.commands.retention:retention",
        "Show what [retention] would remove from the store now; with --run, remove it.",
    ),
    "audit": ("node.commands.audit:audit_app", "The audit log: who did what."),
    "users": ("node.commands.users:users_app", "Who may log in to the console: look, add, change."),
    "tokens": ("node.commands.tokens:tokens_app", "Tokens for programs that ask the HTTP API: look, make, end."),
}
SECTIONS = {
    "First steps": _FIRST,
    "Run the node": _RUNNING,
    "Images and results": _IMAGES,
    "Reports and labels": _REPORTS,
    "Models": _MODELS,
    "Keep it safe": _SAFE,
}
