#!/bin/bash
# Runs a scenario as a Slurm array, a shard for each task, and merges the shards when all have ended.
#
#   SCENARIO=scenarios/opt-in.yaml SHARDS=4 OUT=/shared/out deploy/slurm/array.sh
#
# OUT must be on a file system that all nodes share. Arguments are passed to `poolproof run`, for example
# --target URL. The merge also runs if shards have failed: its report then names them, with exit code 105.
set -euo pipefail

scenario=${SCENARIO:?the scenario file}
shards=${SHARDS:?the number of shards}
out=${OUT:?a folder that all nodes share}

if ! [[ $shards =~ ^[1-9][0-9]*$ ]]; then
    echo "SHARDS is '$shards', but it must be a number from 1 on" >&2
    exit 2
fi

array=$(sbatch --parsable --job-name=poolproof --array="0-$((shards - 1))" --output="$out/shard-%a.log" \
    --wrap="exec poolproof run $(printf '%q ' "$scenario" --shard "auto/$shards" --out "$out/shards") $(printf '%q ' "$@")")
sbatch --parsable --job-name=poolproof-merge --dependency="afterany:$array" --output="$out/merge.log" \
    --wrap="exec poolproof merge $(printf '%q ' "$out/shards" --allow-missing --out "$out/report")"
