#!/bin/bash
# Starts a Slurm cluster of one node in a folder, and submits deploy/slurm/array.sh to it.
#   slurm.sh FOLDER [OPTION…]     the options are those of `poolproof run`
#   slurm.sh stop FOLDER
set -euo pipefail

if [[ $1 == stop ]]; then
    for name in slurmctld slurmd; do
        if [[ -f $2/$name.pid ]]; then kill "$(cat "$2/$name.pid")" || true; fi
    done
    exit
fi

folder=$1
shift
mkdir -p "$folder"/{state,spool,out}
host=$(hostname -s)
cat > "$folder/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmctldPort=16827
SlurmdPort=16828
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$folder/slurm.conf
if ! pgrep -x munged > /dev/null; then
    install -d -o munge /run/munge
    runuser -u munge -- munged
fi
slurmctld
slurmd
exec deploy/slurm/array.sh "$@"
