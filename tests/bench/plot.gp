# plot.gp: throughput and CPU over clients; gnuplot -e 'directory="build/bench"'. One run a point: CPU is the figure, MB/s is noise.
set terminal pngcairo size 1200,500 noenhanced
set output directory . "/tftp.png"
set logscale x 2
set xlabel "clients, lock step, blksize 1468"
set key top right
set grid
set yrange [0:*]
set multiplot layout 1,2
servers = "ours dnsmasq tftpd-hpa floor"
set title "throughput"
set ylabel "MB/s"
plot for [s in servers] directory . "/plot-" . s . ".dat" using 1:2 with linespoints linewidth 2 title s
set title "server CPU"
set yrange [1:*]
set logscale y 2
set ylabel "seconds per GB"
plot for [s in servers] directory . "/plot-" . s . ".dat" using 1:3 with linespoints linewidth 2 title s
unset multiplot
